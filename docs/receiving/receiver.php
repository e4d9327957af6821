<?php
// A receiver of webhooks: php -S 127.0.0.1:9000 receiver.php, with WEBHOOK_SECRET set (two while a rotation lasts, by a space).
require __DIR__ . '/verify.php';

$body = file_get_contents('php://input'); // the raw bytes, before any parsing
$headers = array_change_key_case(getallheaders());

try {
    verify(explode(' ', getenv('WEBHOOK_SECRET')), $headers, $body);
} catch (Refused $reason) {
    http_response_code(401);
    exit($reason->getMessage());
}

// Yours is a table with a unique column, written in one transaction with the queue.
$seen = sys_get_temp_dir() . '/webhook-' . hash('sha256', $headers['webhook-id']);
if (!file_exists($seen)) {
    queue(json_decode($body, true));
    touch($seen);
}
echo 'thank you';

/** Puts the event where a worker finds it: do not make Kith wait for your work. */
function queue(array $event): void
{
    error_log("{$event['type']} {$event['id']}");
}
