<?php
// The same for an endpoint that signs with a key pair; sodium is a part of PHP.
require_once __DIR__ . '/verify.php';

/** Throws Refused unless the owner of one of the public keys signed this body a moment ago. */
function verify_v1a(array $keys, array $headers, string $body, ?int $now = null): void
{
    $content = signed_content($headers, $body, $now ?? time());
    foreach ($keys as $key) {
        $public = base64_decode(preg_replace('/\Awhpk_/', '', $key), true);
        foreach (explode(' ', $headers['webhook-signature']) as $one) {
            $signature = str_starts_with($one, 'v1a,') ? base64_decode(substr($one, 4), true) : false;
            if ($signature !== false && strlen($signature) === SODIUM_CRYPTO_SIGN_BYTES
                && sodium_crypto_sign_verify_detached($signature, $content, $public)) {
                return;
            }
        }
    }
    throw new Refused('no signature fits');
}
