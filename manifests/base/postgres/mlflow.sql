-- Runs once, on an empty volume: the role of MLflow and its two databases (runs; accounts).
\getenv password MLFLOW_DATABASE_PASSWORD
CREATE ROLE mlflow LOGIN PASSWORD :'password';
CREATE DATABASE mlflow OWNER mlflow;
CREATE DATABASE mlflow_auth OWNER mlflow;
