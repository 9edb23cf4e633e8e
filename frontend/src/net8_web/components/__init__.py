"""The app's own Streamlit components (v2)."""
