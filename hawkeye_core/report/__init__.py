"""Reports: one page of HTML that holds all it shows and opens without a network."""
