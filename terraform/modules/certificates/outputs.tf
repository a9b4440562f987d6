output "public_arn" {
  description = "Certificate of the public name, once it is proven."
  value       = aws_acm_certificate_validation.this["public"].certificate_arn
}

output "internal_arn" {
  description = "Certificate of the load balancer, once it is proven."
  value       = aws_acm_certificate_validation.this["internal"].certificate_arn
}
