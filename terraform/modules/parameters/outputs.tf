output "path" {
  description = "Path beneath which all parameters stand, once they do: a task that starts before would fail."
  value       = "/${var.name}/"
  depends_on  = [aws_ssm_parameter.this]
}
