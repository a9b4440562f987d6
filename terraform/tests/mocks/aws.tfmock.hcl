# What AWS would answer, as far as the configuration takes it apart.

mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}

mock_data "aws_region" {
  defaults = { region = "eu-central-1" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:eu-central-1:123456789012:certificate/c"
    domain_validation_options = [{
      domain_name           = "docs.example.com"
      resource_record_name  = "_proof.docs.example.com"
      resource_record_type  = "CNAME"
      resource_record_value = "_proof.acm-validations.aws"
    }]
  }
}

mock_resource "aws_rds_cluster" {
  defaults = {
    arn                 = "arn:aws:rds:eu-central-1:123456789012:cluster:pidima-prod"
    endpoint            = "writer.example"
    reader_endpoint     = "reader.example"
    cluster_resource_id = "cluster-ABC"
    master_user_secret = [{
      kms_key_id    = "key"
      secret_arn    = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!cluster-abc-AbCdEf"
      secret_status = "active"
    }]
  }
}

mock_resource "aws_secretsmanager_secret_version" {
  defaults = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:pidima-prod/some-AbCdEf" }
}

mock_resource "aws_ssm_parameter" {
  defaults = { arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/pidima-prod/some" }
}

mock_resource "aws_elasticache_replication_group" {
  defaults = { primary_endpoint_address = "valkey.example" }
}

mock_resource "aws_cognito_user_pool" {
  defaults = {
    arn      = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Example"
    endpoint = "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example"
  }
}

mock_resource "aws_bedrock_inference_profile" {
  defaults = { arn = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc123" }
}

mock_resource "aws_bedrock_guardrail" {
  defaults = {
    guardrail_arn = "arn:aws:bedrock:eu-central-1:123456789012:guardrail/guard"
    guardrail_id  = "guard"
  }
}

mock_resource "aws_ecr_repository" {
  defaults = {
    arn            = "arn:aws:ecr:eu-central-1:123456789012:repository/pidima-prod/some"
    repository_url = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/pidima-prod/some"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::some-bucket" }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:eu-central-1:123456789012:some-queue"
    url = "https://sqs.eu-central-1.amazonaws.com/123456789012/some-queue"
  }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/some" }
}
