-- BM25 document weights (k1 = 1.2, b = 0.75) as a sparse vector over lexeme ids; the query's side is the idf.
-- Identifiers have no positions, and count once.
-- weight(t, d) = tf * (k1 + 1) / (tf + k1 * (1 - b + b * |d| / average length))
update chunks c
set bm25 = w.bm25
from (
  select
    x.id,
    cast(
      '{' || string_agg(
        l.id || ':' || cast(
          coalesce(cardinality(t.positions), 1) * 2.2
          / (coalesce(cardinality(t.positions), 1) + 1.2 * (0.25 + 0.75 * x.lexeme_count / :average_length))
          as real),
        ',' order by l.id)
      || '}/1000000000'
      as sparsevec) as bm25
  from chunks x
  cross join lateral unnest(x.lexical) as t(lexeme, positions, weights)
  -- One look into the index for each: a join may be planned by statistics of when the table was empty, and takes minutes.
  cross join lateral (select k.id from lexemes k where k.lexeme = t.lexeme offset 0) l
  where x.cutting_id = :cutting
    and (cast(:version_ids as uuid[]) is null or x.version_id = any(cast(:version_ids as uuid[])))
  group by x.id
) w
where w.id = c.id
