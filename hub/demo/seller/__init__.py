"""`hub demo vtex-seller`: files of Merchstack reach a simulated VTEX marketplace through the catalog, and prices of MerchantOps too."""
