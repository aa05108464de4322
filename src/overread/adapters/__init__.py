"""The only modules that import mlflow, dvc, boto3 and prometheus_client."""
