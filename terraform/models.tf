# Models of Bedrock. A server that speaks OpenAI's API needs an address, a model and a key: see settings.tf.

module "models" {
  source = "./modules/models"

  name            = local.name
  chat_model      = var.chat_model
  embedding_model = var.embedding_model
}
