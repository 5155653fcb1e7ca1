$c wff setvar class |- ( ) -> A. = T. (/) $.
$v ph ps ch x y z A B C $.
wph $f wff ph $. wps $f wff ps $. wch $f wff ch $.
vx $f setvar x $. vy $f setvar y $. vz $f setvar z $.
cA $f class A $. cB $f class B $. cC $f class C $.
wi $a wff ( ph -> ps ) $.
wal $a wff A. x ph $.
cv $a class x $.
wceq $a wff A = B $.
weq $p wff x = y $= vx cv vy cv wceq $.
${ min $e |- ph $. maj $e |- ( ph -> ps ) $. ax-mp $a |- ps $. $}
ax-1 $a |- ( ph -> ( ps -> ph ) ) $.
ax-2 $a |- ( ( ph -> ( ps -> ch ) ) -> ( ( ph -> ps ) -> ( ph -> ch ) ) ) $.
${ gen.1 $e |- ph $. ax-gen $a |- A. x ph $. $}
${ $d x ph $. ax-5 $a |- ( ph -> A. x ph ) $. $}
ax-eq $a |- A = A $.
${ tr.1 $e |- A = B $. tr.2 $e |- B = C $. ax-tr $a |- A = C $. $}
${ $d x y $. ax-two $a |- A. x A. y ( x = y -> y = x ) $. $}
${ a1i.1 $e |- ph $.
   $( Weaken. $)
   a1i $p |- ( ps -> ph ) $= ( wi ax-1 ax-mp ) ABADCABEF $. $}
${ a2i.1 $e |- ( ph -> ( ps -> ch ) ) $.
   a2i $p |- ( ( ph -> ps ) -> ( ph -> ch ) ) $= ( wi ax-2 ax-mp ) ABCEEABEACEEDABCFG $. $}
${ mpd.1 $e |- ( ph -> ps ) $. mpd.2 $e |- ( ph -> ( ps -> ch ) ) $.
   mpd $p |- ( ph -> ch ) $= ( wi a2i ax-mp ) ABFACFDABCEGH $. $}
${ syl.1 $e |- ( ph -> ps ) $. syl.2 $e |- ( ps -> ch ) $.
   syl $p |- ( ph -> ch ) $= ( wi a1i mpd ) ABCDBCFAEGH $. $}
id $p |- ( ph -> ph ) $= ( wi ax-1 mpd ) AAABZAAACAECD $.
wtru $a wff T. $.
tru $a |- T. $.
c0 $a class (/) $.
a1tru $p |- ( ph -> T. ) $= wtru wph tru a1i $.
imim $p |- ( ( ph -> ps ) -> ( ( ps -> ch ) -> ( ph -> ch ) ) ) $= ? $.
anything $p |- ( ( ph -> ps ) -> ph ) $= ? $.
