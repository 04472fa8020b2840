-- SPDX-License-Identifier: MIT
-- A million rows from a generator of our own, indexed, joined, grouped, changed and packed.
PRAGMA page_size = 4096;
PRAGMA cache_size = -65536;
PRAGMA journal_mode = WAL;
PRAGMA temp_store = MEMORY;

CREATE TABLE place (id INTEGER PRIMARY KEY, name TEXT NOT NULL, region INTEGER NOT NULL);
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    place INTEGER NOT NULL REFERENCES place (id),
    moment INTEGER NOT NULL,
    amount REAL,
    note TEXT
);

WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO place SELECT i, printf('place %05d', (i * 7919) % 5000), i % 37 FROM n;

BEGIN;
WITH RECURSIVE n (i, r) AS (
    SELECT 1, 12345
    UNION ALL
    SELECT i + 1, (r * 1103515245 + 12345) % 2147483648 FROM n WHERE i < 1000000
)
INSERT INTO event
SELECT i, 1 + (r / 7) % 5000, 1600000000 + (r / 3) % 100000000, ((r / 11) % 100000) / 8.0,
    CASE WHEN r % 5 = 0 THEN NULL ELSE printf('note %d on %x', i, r) END
FROM n;
COMMIT;

CREATE INDEX event_place ON event (place, moment);
CREATE INDEX event_note ON event (note) WHERE note IS NOT NULL;
ANALYZE;

SELECT count(*), sum(amount), min(moment), max(moment), count(note) FROM event;
SELECT region, count(*), sum(amount), max(note)
FROM event JOIN place ON place.id = event.place
GROUP BY region ORDER BY region;
SELECT place.name, event.moment, event.amount FROM event JOIN place ON place.id = event.place
WHERE place.region = 5 ORDER BY event.amount DESC, event.id LIMIT 20;
SELECT moment / 10000000 AS decade, count(DISTINCT place), group_concat(DISTINCT amount > 6000)
FROM event GROUP BY decade ORDER BY decade;
SELECT id, sum(amount) OVER (ORDER BY id ROWS 100 PRECEDING) AS running FROM event
WHERE place % 100 = 17 ORDER BY running DESC, id LIMIT 10;
SELECT substr(note, -2) AS ending, count(*) FROM event GROUP BY ending ORDER BY count(*) DESC, ending LIMIT 20;
SELECT count(*), sum(length(json)) FROM (
    SELECT json_object('place', place, 'notes', json_group_array(note)) AS json
    FROM event WHERE id % 10 = 0 GROUP BY place
);

UPDATE event SET note = note || ' (changed)', amount = amount + 1 WHERE place % 10 = 3;
DELETE FROM event WHERE moment % 4 = 1;
SELECT count(*), sum(amount), sum(length(note)) FROM event;
CREATE VIRTUAL TABLE word USING fts5 (note, content = '');
INSERT INTO word (rowid, note) SELECT id, note FROM event WHERE note IS NOT NULL AND id % 10 = 0;
SELECT count(*) FROM word WHERE word MATCH 'changed AND note';
VACUUM;
PRAGMA integrity_check;
PRAGMA journal_mode = DELETE;
