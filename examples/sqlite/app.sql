-- A mix of transactions, with a journal on the file system, indices, JSON, windows and full text.
PRAGMA journal_mode = WAL;
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL, tags TEXT);
CREATE INDEX item_price ON item (price);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO item SELECT i, 'item ' || (i * 7919 % 5003), i % 97 + 0.25, json_array(i % 3, i % 5) FROM n;
COMMIT;
BEGIN;
DELETE FROM item WHERE id % 10 = 0;
ROLLBACK;
UPDATE item SET price = price * 2 WHERE id % 2 = 0;
SELECT count(*), round(sum(price), 2), min(name), max(name) FROM item;
SELECT json_extract(tags, '$[1]') AS tag, count(*) FROM item GROUP BY tag ORDER BY tag;
SELECT name, rank() OVER (ORDER BY price DESC, id) FROM item LIMIT 3;
CREATE VIRTUAL TABLE words USING fts5(body);
INSERT INTO words VALUES ('the quick brown fox'), ('the lazy dog'), ('a quick dog');
SELECT body FROM words WHERE words MATCH 'quick NOT lazy' ORDER BY rowid;
SELECT hex(sha3('unikernel', 256));
VACUUM;
PRAGMA integrity_check;
