"""What the followers of this process have done, counted for Prometheus.

The labels name kinds only, never a workspace or a follower: the metrics are open to everybody.
"""

from __future__ import annotations

from prometheus_client import Counter

LABELS = ("kind", "destination")

DELIVERED = Counter(
    "trailkeeper_follower_delivered", "Activities and jobs that followers have delivered", LABELS
)
FAILURES = Counter("trailkeeper_follower_failures", "Tries of followers that have failed", LABELS)
