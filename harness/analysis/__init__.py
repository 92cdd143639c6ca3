"""Service levels judged, bottlenecks named."""
