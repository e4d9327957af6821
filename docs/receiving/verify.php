<?php
// Says whether a webhook is genuine, with PHP alone.

const TOLERANCE_SECONDS = 300;

/** This is no webhook from Kith, or an old one sent again. */
class Refused extends Exception {}

/** Throws Refused unless one of the secrets signed this body a moment ago. The names of the headers are in small letters. */
function verify(array $secrets, array $headers, string $body, ?int $now = null): void
{
    $content = signed_content($headers, $body, $now ?? time());
    $given = explode(' ', $headers['webhook-signature']);
    foreach ($secrets as $secret) {
        $expected = 'v1,' . base64_encode(hash_hmac('sha256', $content, key_of($secret), true));
        foreach ($given as $one) {
            if (hash_equals($expected, $one)) {
                return;
            }
        }
    }
    throw new Refused('no signature fits');
}

/** Returns what was signed; throws Refused where a header is missing, or the time is not about now. */
function signed_content(array $headers, string $body, int $now): string
{
    foreach (['webhook-id', 'webhook-timestamp', 'webhook-signature'] as $name) {
        if (($headers[$name] ?? '') === '') {
            throw new Refused('a header is missing');
        }
    }
    $timestamp = $headers['webhook-timestamp'];
    if (!preg_match('/\A[0-9]{1,12}\z/', $timestamp) || abs($now - (int) $timestamp) > TOLERANCE_SECONDS) {
        throw new Refused('the timestamp is not about now');
    }
    return "{$headers['webhook-id']}.$timestamp.$body";
}

/** Returns the bytes of a secret; an empty one would let everybody sign. */
function key_of(string $secret): string
{
    $key = base64_decode(preg_replace('/\Awhsec_/', '', $secret), true);
    if ($key === false || strlen($key) < 24) {
        throw new InvalidArgumentException('the webhook secret is empty or cut off');
    }
    return $key;
}
