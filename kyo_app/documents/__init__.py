"""What people see of documents and do with them, for the views to put together."""
