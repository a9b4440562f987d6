output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Subnets of tasks and of the load balancer, one a zone."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "isolated_subnet_ids" {
  description = "Subnets of the data stores, one a zone, without a way out."
  value       = [for zone in var.zones : aws_subnet.isolated[zone].id]
}

output "s3_prefix_list_id" {
  description = "Addresses of S3, for the rules of security groups."
  value       = aws_vpc_endpoint.s3.prefix_list_id
}

output "endpoint_names" {
  description = "Services of AWS that are called by an interface endpoint."
  value       = keys(aws_vpc_endpoint.interface)
}

output "log_group_name" {
  description = "Log group of the flow logs."
  value       = aws_cloudwatch_log_group.flow.name
}
