"""Households by a model fitted to published figures: ages, families, incomes, balance sheets."""
