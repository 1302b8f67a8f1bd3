-- BM25 document weights (k1 = 1.2, b = 0.75) as a sparse vector over lexeme ids; the query's side is the idf.
-- Identifiers have no positions, and count once.
-- weight(t, d) = tf * (k1 + 1) / (tf + k1 * (1 - b + b * |d| / average length))
-- Row by row, and one look into the index for each lexeme: a join may be planned by statistics of when the table was empty, and
-- takes minutes.
update chunks c
set bm25 = (
  select
    cast(
      '{' || string_agg(
        l.id || ':' || cast(
          coalesce(cardinality(t.positions), 1) * 2.2
          / (coalesce(cardinality(t.positions), 1) + 1.2 * (0.25 + 0.75 * c.lexeme_count / :average_length))
          as real),
        ',' order by l.id)
      || '}/1000000000'
      as sparsevec)
  from unnest(c.lexical) as t(lexeme, positions, weights)
  cross join lateral (select k.id from lexemes k where k.lexeme = t.lexeme offset 0) l
)
where c.cutting_id = :cutting
  and (cast(:version_ids as uuid[]) is null or c.version_id = any(cast(:version_ids as uuid[])))
