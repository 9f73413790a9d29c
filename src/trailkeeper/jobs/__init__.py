"""Job history: what recipes did, run by run, with the steps of each run.

Here is what a job is, how it is taken in, kept and found again. Activities are not: nobody *did* a
job. Where jobs are streamed to belongs to streaming/.
"""
