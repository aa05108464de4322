"""The steps, which meet the result store, MLflow and Prometheus."""
