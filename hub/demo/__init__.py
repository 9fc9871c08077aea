"""`hub demo`: the whole hub against a simulated MerchantOps and a destination that makes trouble, with proof at the end."""
