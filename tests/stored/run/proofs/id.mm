${
  $d x ph $.
  id $p |- ( ph -> ph ) $=
        ( vx wal ax-5 ax-1 mpd ) AABCZAABDAGEF $.
$}
