"""Other people's contracts and products, spoken by this package."""
