<?php
// Judges the cases with the guide's PHP; its folder stands in GUIDE.
require getenv('GUIDE') . '/verify_v1a.php';

function judge(array $case): string
{
    $check = $case['asymmetric'] ? 'verify_v1a' : 'verify';
    try {
        $check($case['secrets'], $case['headers'], base64_decode($case['body']), $case['now']);
    } catch (Refused | InvalidArgumentException $reason) {
        return $reason->getMessage();
    }
    return 'ok';
}

echo json_encode(array_map('judge', json_decode(file_get_contents('php://stdin'), true)));
