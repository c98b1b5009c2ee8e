"""Names on the Prefect server; here, because starting a server should not have to import Prefect to know them."""

FLOW = "extract-features"
INSTRUCTIONS_FLOW = "build-instructions"
DEPLOYMENT = "local"
POOL = "hawkeye-local"
LIMIT = "hawkeye-videos"
"""Global concurrency limit: videos worked on at once, over all runs of one server."""
