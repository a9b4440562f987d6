# State of dev: a bucket of its own that nobody else reads, encrypted, versioned, locked while in use.
bucket       = "pidima-dev-state-123456789012"
key          = "pidima.tfstate"
region       = "eu-central-1"
encrypt      = true
kms_key_id   = "alias/pidima-dev-state"
use_lockfile = true
