# State of prod: a bucket of its own that nobody else reads, encrypted, versioned, locked while in use.
bucket       = "pidima-prod-state-123456789012"
key          = "pidima.tfstate"
region       = "eu-central-1"
encrypt      = true
kms_key_id   = "alias/pidima-prod-state"
use_lockfile = true
