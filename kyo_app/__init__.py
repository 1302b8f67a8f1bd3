"""Know Your Organization: the Streamlit app, its routes, and the command line."""
