# One bucket that nobody outside the account reaches.

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV2_AWS_62:Work is handed over by the outbox in the transaction that stores the row, not by events of the bucket
  #checkov:skip=CKV_AWS_145:Services that write logs can use no key of ours; whether objects have one is own_key, and a test holds it for those of tenants
  #checkov:skip=CKV_AWS_144:Originals are copied to another region by AWS Backup (modules/recovery); exports and logs are not worth a copy
  bucket        = var.name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = var.own_key

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.own_key ? "aws:kms" : "AES256"
      kms_master_key_id = var.own_key ? var.key_arn : null
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "left-over"
    status = "Enabled"

    filter {}

    # The service removes these itself when their time is over; what it could not learn of ends here.
    abort_incomplete_multipart_upload {
      days_after_initiation = var.upload_days
    }

    # What was deleted can be brought back for this long, and is gone for good afterwards.
    noncurrent_version_expiration {
      noncurrent_days = var.recovery_days
    }

    expiration {
      expired_object_delete_marker = var.expiration_days == null ? true : null
      days                         = var.expiration_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

# Browsers send the parts of large files here, to addresses that the service signs. They must see the mark of each part.
resource "aws_s3_bucket_cors_configuration" "this" {
  count = length(var.put_origins) > 0 ? 1 : 0

  bucket = aws_s3_bucket.this.id

  cors_rule {
    id              = "parts-of-uploads"
    allowed_methods = ["PUT"]
    allowed_origins = var.put_origins
    allowed_headers = ["content-type"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3600
  }
}

resource "aws_s3_bucket_logging" "this" {
  count = var.logged ? 1 : 0

  bucket        = aws_s3_bucket.this.id
  target_bucket = var.logs_bucket
  target_prefix = "s3/${var.name}/"
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = concat(local.never, local.writers) })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

locals {
  never = [
    {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    },
    {
      Sid       = "NoOldTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
      Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
    },
  ]

  # Services of AWS that write logs here, for resources of this account alone.
  writers = [for service, writer in var.log_writers : {
    Sid       = replace(title(replace(service, ".", " ")), " ", "")
    Effect    = "Allow"
    Principal = { Service = service }
    Action    = "s3:PutObject"
    Resource  = "${aws_s3_bucket.this.arn}/${writer.prefix}*"
    Condition = { ArnLike = { "aws:SourceArn" = writer.source_arn } }
  }]
}
