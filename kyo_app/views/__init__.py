"""The views of the app, one file each. Not called `pages`: Streamlit would serve such a folder to anybody."""
