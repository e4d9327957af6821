# Says whether a webhook is genuine, with Ruby alone.
require "openssl"

TOLERANCE_SECONDS = 300

# This is no webhook from Kith, or an old one sent again.
class Refused < StandardError; end

# Raises Refused unless one of the secrets signed this body a moment ago.
def verify(secrets, headers, body, now = Time.now)
  content = signed_content(headers, body, now)
  given = headers["webhook-signature"].b.split(" ")
  secrets.each do |secret|
    expected = "v1," + [OpenSSL::HMAC.digest("SHA256", key_of(secret), content)].pack("m0")
    return if given.any? { |one| OpenSSL.secure_compare(one, expected) }
  end
  raise Refused, "no signature fits"
end

# Returns what was signed; raises Refused where a header is missing, or the time is not about now.
def signed_content(headers, body, now)
  id, timestamp, signature = headers.values_at("webhook-id", "webhook-timestamp", "webhook-signature")
  raise Refused, "a header is missing" if [id, timestamp, signature].any? { |one| one.to_s.empty? }
  unless timestamp.match?(/\A[0-9]{1,12}\z/) && (now.to_f - timestamp.to_i).abs <= TOLERANCE_SECONDS
    raise Refused, "the timestamp is not about now"
  end
  "#{id}.#{timestamp}.".b + body.b
end

# Returns the bytes of a secret; an empty one would let everybody sign.
def key_of(secret)
  key = secret.delete_prefix("whsec_").unpack1("m0")
  raise ArgumentError, "the webhook secret is empty or cut off" if key.bytesize < 24
  key
end
