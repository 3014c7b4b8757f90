<?php
header("Content-Type: application/json");
echo json_encode(["path" => $_SERVER["REQUEST_URI"], "sum" => array_sum($_GET["n"] ?? [])]), "\n";
