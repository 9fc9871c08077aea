"""Speed, measured as a ratio against something that runs side by side; absolute times prove nothing."""
