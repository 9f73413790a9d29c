"""The pages under Settings, Audit log streaming: the list of streams, and the pages of each."""
