-- SPDX-License-Identifier: MIT
-- A small shop in memory: filled, indexed, joined, grouped, updated and thinned out.
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, town TEXT);
CREATE TABLE sale (id INTEGER PRIMARY KEY, customer INTEGER, item TEXT, price REAL, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO customer SELECT i, 'customer ' || (i * 7919 % 100003), 'town ' || (i % 97) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
INSERT INTO sale
SELECT i, i * 104729 % 20000 + 1, 'item ' || (i * 31 % 1009), (i * 17 % 5000) / 100.0,
       substr('a note of some length about this sale', i % 20, i % 30)
FROM n;
CREATE INDEX sale_item ON sale (item, price);
CREATE INDEX sale_customer ON sale (customer);
SELECT town, count(*), round(sum(price), 2) FROM sale JOIN customer ON customer.id = sale.customer
GROUP BY town ORDER BY 3 DESC LIMIT 10;
SELECT item, group_concat(DISTINCT substr(note, 1, 3)) FROM sale GROUP BY item ORDER BY item LIMIT 20;
UPDATE sale SET note = note || ' (seen)', price = price + 1 WHERE id % 3 = 0;
DELETE FROM sale WHERE id % 5 = 0;
SELECT count(*), round(avg(price), 4), max(length(note)) FROM sale;
SELECT name, total FROM (
    SELECT customer.name AS name, round(sum(price), 2) AS total,
           rank() OVER (PARTITION BY town ORDER BY sum(price) DESC, customer.id) AS place
    FROM sale JOIN customer ON customer.id = sale.customer GROUP BY customer.id)
WHERE place = 1 ORDER BY name LIMIT 20;
