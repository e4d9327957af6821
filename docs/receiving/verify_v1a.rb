# The same for an endpoint that signs with a key pair.
require_relative "verify"

ED25519 = ["302a300506032b6570032100"].pack("H*") # what stands before such a key in DER

# Raises Refused unless the owner of one of the public keys signed this body a moment ago.
def verify_v1a(keys, headers, body, now = Time.now)
  content = signed_content(headers, body, now)
  given = headers["webhook-signature"].b.split(" ").select { |one| one.start_with?("v1a,") }
  keys.each do |key|
    public_key = OpenSSL::PKey.read(ED25519 + key.delete_prefix("whpk_").unpack1("m0"))
    return if given.any? { |one| public_key.verify(nil, one[4..].unpack1("m"), content) }
  end
  raise Refused, "no signature fits"
end
