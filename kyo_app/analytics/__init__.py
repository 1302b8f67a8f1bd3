"""What people see of how KYO is used, for the view and the command to put together."""
