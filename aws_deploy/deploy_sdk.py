"""The same deployment the way the lab shows it, with `SKLearnModel` of the SageMaker SDK (version 2).

python deploy_sdk.py --role ROLE_ARN            deploy, predict, and delete again
python deploy_sdk.py --role ROLE_ARN --keep     leave the endpoint: `python deploy_sdk.py --delete` deletes it
"""

from __future__ import annotations

import argparse

import boto3
import numpy as np
from sagemaker import Session
from sagemaker.predictor import Predictor
from sagemaker.serverless import ServerlessInferenceConfig
from sagemaker.sklearn.model import SKLearnModel

parser = argparse.ArgumentParser(description="The penguin model on SageMaker, by SKLearnModel.")
parser.add_argument("--role", help="the ARN of a role that SageMaker may take on")
parser.add_argument("--bucket", help="where to upload to (default: the SDK's own bucket of the account)")
parser.add_argument("--keep", action="store_true", help="do not delete the endpoint at the end")
parser.add_argument("--delete", action="store_true", help="only delete what --keep has left")
options = parser.parse_args()

REGION = "us-east-1"
NAME = "penguins-sdk"
session = Session(boto_session=boto3.Session(region_name=REGION), default_bucket=options.bucket)

if options.delete:
    left = Predictor(NAME, sagemaker_session=session)
    left.delete_model()
    left.delete_endpoint()
    print(f"endpoint {NAME} is gone")
    raise SystemExit
if not options.role:
    parser.error("--role is missing: the ARN of a role that SageMaker may take on")

model = SKLearnModel(
    model_data=session.upload_data("model.tar.gz", key_prefix=NAME),
    role=options.role,
    entry_point="inference.py",
    framework_version="1.2-1",
    sagemaker_session=session,
)
predictor = model.deploy(
    serverless_inference_config=ServerlessInferenceConfig(memory_size_in_mb=2048, max_concurrency=5),
    endpoint_name=NAME,
)
try:
    # This predictor sends and takes numpy arrays; inference.py reads and writes them.
    answer = predictor.predict(np.array([[39.1, 18.7, 181, 3750]]))
    print(f"\nthe endpoint answers {answer}")
finally:
    if not options.keep:
        predictor.delete_model()
        predictor.delete_endpoint()
