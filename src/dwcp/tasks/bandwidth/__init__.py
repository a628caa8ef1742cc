"""Forecasting what a link will carry."""
