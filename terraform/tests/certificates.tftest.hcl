# Names and their proof.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "both_names_are_proven_by_dns" {
  module {
    source = "./modules/certificates"
  }

  variables {
    public_name   = "docs.example.com"
    internal_name = "internal.docs.example.com"
    zone_id       = "Z0123456789"
  }

  assert {
    condition     = aws_acm_certificate.this["public"].domain_name == "docs.example.com" && aws_acm_certificate.this["internal"].domain_name == "internal.docs.example.com" && alltrue([for certificate in aws_acm_certificate.this : certificate.validation_method == "DNS"])
    error_message = "Each name needs a certificate."
  }

  assert {
    condition     = length(aws_route53_record.proof) == 2 && alltrue([for record in aws_route53_record.proof : record.zone_id == "Z0123456789"])
    error_message = "The proof must stand in the zone."
  }
}
