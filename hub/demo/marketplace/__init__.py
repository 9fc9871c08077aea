"""`hub demo vtex-marketplace`: the goods of a simulated VTEX account are put up for sale at a simulated marketplace."""
