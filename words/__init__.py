"""What codes, dates and rules are called in French and English: for the pages, and for answers of the API."""
