<?php
// SPDX-License-Identifier: MIT
// Some thousand allocations, by the engine and by modules that are loaded as plug-ins.
$words = [];
for ($i = 0; $i < 3000; $i++) {
    $words[] = str_repeat(chr(97 + $i % 26), $i % 700);
}
$json = json_encode($words);
echo strlen($json), " ", crc32($json), "\n";
$xml = simplexml_load_string("<a>" . str_repeat("<b c=\"d\">text</b>", 5000) . "</a>");
echo count($xml->b), "\n";
$document = new DOMDocument();
for ($i = 0; $i < 3000; $i++) {
    $document->appendChild($document->createElement("e" . $i));
}
echo strlen($document->saveXML()), "\n";
echo mb_strlen(mb_convert_encoding(str_repeat("\u{e4}", 50000), "UTF-16")), "\n";
echo preg_match_all('/a+/', $json), " ", count(iterator_to_array(new ArrayIterator($words))), "\n";
