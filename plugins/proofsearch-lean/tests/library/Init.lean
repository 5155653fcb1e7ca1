/-
A small core library for tests, compiled under the module name `Init`, so that ordinary Lean sources (which import
`Init` without saying so) elaborate on a Lean that came without its own library.  Written for these tests; names,
argument orders and the syntax of tactics are those of Lean 4's public interface, which the native elaborators look up
by name. It is not Lean's core library: there is no Int, no omega, no grind, no Repr, no termination by measure.
Built for Lean 4.35.0.
-/
prelude
universe u v w u₁ u₂ u₃

/-! ## Markers that the code generator refers to -/
unsafe axiom lcErased : Type
unsafe axiom lcAny : Type
unsafe axiom lcVoid : Type
unsafe axiom lcProof {α : Prop} : α
unsafe axiom lcCast {α : Sort u} {β : Sort v} (a : α) : β
unsafe axiom lcUnreachable {α : Sort u} : α

/-! ## Logic -/
set_option linter.unusedVariables false
@[reducible] def outParam (α : Sort u) : Sort u := α
@[reducible] def semiOutParam (α : Sort u) : Sort u := α
@[reducible] def optParam (α : Sort u) (default : α) : Sort u := α
@[reducible] def namedPattern {α : Sort u} (x a : α) (h : α) : α := a

@[inline] def id {α : Sort u} (a : α) : α := a
set_option checkBinderAnnotations false in
@[macro_inline] abbrev inferInstance {α : Sort u} [i : α] : α := i

@[inline] def Function.comp {α : Sort u} {β : Sort v} {δ : Sort w} (f : β → δ) (g : α → β) : α → δ := fun x => f (g x)
@[inline] def Function.const {α : Sort u} (β : Sort v) (a : α) : β → α := fun _ => a
set_option bootstrap.inductiveCheckResultingUniverse false in
inductive PUnit : Sort u where
  | unit : PUnit
abbrev Unit : Type := PUnit
@[match_pattern] abbrev Unit.unit : Unit := PUnit.unit

inductive True : Prop where
  | intro : True
inductive False : Prop
inductive Empty : Type
def Not (a : Prop) : Prop := a → False
@[macro_inline] def False.elim {C : Sort u} (h : False) : C := h.rec
@[macro_inline] def absurd {a : Prop} {b : Sort v} (h₁ : a) (h₂ : Not a) : b := (h₂ h₁).rec
theorem trivial : True := True.intro
theorem mt {a b : Prop} (h₁ : a → b) (h₂ : Not b) : Not a := fun ha => h₂ (h₁ ha)

inductive Eq {α : Sort u} : α → α → Prop where
  | refl (a : α) : Eq a a
abbrev Eq.ndrec.{u1, u2} {α : Sort u2} {a : α} {motive : α → Sort u1} (m : motive a) {b : α} (h : Eq a b) : motive b := h.rec m
set_option linter.defProp false
@[match_pattern] def rfl {α : Sort u} {a : α} : Eq a a := Eq.refl a
theorem Eq.subst {α : Sort u} {motive : α → Prop} {a b : α} (h₁ : Eq a b) (h₂ : motive a) : motive b := Eq.ndrec h₂ h₁
theorem Eq.symm {α : Sort u} {a b : α} (h : Eq a b) : Eq b a := h.rec (Eq.refl a)
theorem Eq.trans {α : Sort u} {a b c : α} (h₁ : Eq a b) (h₂ : Eq b c) : Eq a c := h₂.rec h₁
@[macro_inline] def cast {α β : Sort u} (h : Eq α β) (a : α) : β := h.rec a
@[macro_inline] def Eq.mp {α β : Sort u} (h : Eq α β) (a : α) : β := h.rec a
@[macro_inline] def Eq.mpr {α β : Sort u} (h : Eq α β) (b : β) : α := h.symm.rec b
theorem congrArg {α : Sort u} {β : Sort v} {a₁ a₂ : α} (f : α → β) (h : Eq a₁ a₂) : Eq (f a₁) (f a₂) := h.rec (Eq.refl (f a₁))
theorem congr {α : Sort u} {β : Sort v} {f₁ f₂ : α → β} {a₁ a₂ : α} (h₁ : Eq f₁ f₂) (h₂ : Eq a₁ a₂) : Eq (f₁ a₁) (f₂ a₂) := h₁.rec (h₂.rec (Eq.refl (f₁ a₁)))
theorem congrFun {α : Sort u} {β : α → Sort v} {f g : (x : α) → β x} (h : Eq f g) (a : α) : Eq (f a) (g a) := h.rec (Eq.refl (f a))
theorem congrFun' {α : Sort u} {β : Sort v} {f g : α → β} (h : Eq f g) (a : α) : Eq (f a) (g a) := congrFun h a
inductive HEq {α : Sort u} : α → {β : Sort u} → β → Prop where
  | refl (a : α) : HEq a a
@[match_pattern] def HEq.rfl {α : Sort u} {a : α} : HEq a a := HEq.refl a
theorem eq_of_heq {α : Sort u} {a a' : α} (h : HEq a a') : Eq a a' :=
  have aux : (α β : Sort u) → (a : α) → (b : β) → HEq a b → (h : Eq α β) → Eq (cast h a) b :=
    fun _ _ _ _ h₁ => h₁.rec (fun _ => rfl)
  aux α α a a' h rfl
theorem heq_of_eq {α : Sort u} {a a' : α} (h : Eq a a') : HEq a a' := h.rec (HEq.refl a)

/-! ## Basic data -/
inductive Bool : Type where
  | false : Bool
  | true : Bool
export Bool (false true)
structure Prod (α : Type u) (β : Type v) where
  fst : α
  snd : β
structure PProd (α : Sort u) (β : Sort v) where
  fst : α
  snd : β
structure MProd (α β : Type u) where
  fst : α
  snd : β
@[extern "lean_sorry", never_extract] axiom sorryAx (α : Sort u) (synthetic : Bool) : α
set_option genCtorIdx false in
inductive Nat where
  | zero : Nat
  | succ (n : Nat) : Nat
@[macro_inline] def cond {α : Sort u} (c : Bool) (x y : α) : α :=
  c.casesOn y x
structure PULift.{r, s} (α : Sort s) : Sort (max s r 1) where
  up ::
  down : α
set_option bootstrap.genMatcherCode false in
@[extern "lean_nat_dec_le"] def Nat.ble : @& Nat → @& Nat → Bool
  | zero, _ => true
  | succ _, zero => false
  | succ n, succ m => Nat.ble n m
set_option bootstrap.genMatcherCode false in
@[extern "lean_nat_dec_eq"] def Nat.beq : @& Nat → @& Nat → Bool
  | zero, zero => true
  | zero, succ _ => false
  | succ _, zero => false
  | succ n, succ m => Nat.beq n m
structure And (a b : Prop) : Prop where
  intro ::
  left : a
  right : b
inductive Or (a b : Prop) : Prop where
  | inl (h : a) : Or a b
  | inr (h : b) : Or a b
structure Iff (a b : Prop) : Prop where
  intro ::
  mp : a → b
  mpr : b → a
inductive Exists {α : Sort u} (p : α → Prop) : Prop where
  | intro (w : α) (h : p w) : Exists p
structure Subtype {α : Sort u} (p : α → Prop) where
  val : α
  property : p val
structure PSigma {α : Sort u} (β : α → Sort v) where
  fst : α
  snd : β fst
inductive PSum (α : Sort u) (β : Sort v) where
  | inl (val : α) : PSum α β
  | inr (val : β) : PSum α β
structure ULift.{r, s} (α : Type s) : Type (max s r) where
  up ::
  down : α
structure PLift (α : Sort u) : Type u where
  up ::
  down : α

class inductive Nonempty (α : Sort u) : Prop where
  | intro (val : α) : Nonempty α
class Inhabited (α : Sort u) where
  default : α
export Inhabited (default)
axiom Classical.choice {α : Sort u} : Nonempty α → α
axiom propext {a b : Prop} : Iff a b → Eq a b
instance {α : Sort u} [Inhabited α] : Nonempty α := ⟨default⟩
noncomputable def Classical.ofNonempty {α : Sort u} [Nonempty α] : α := Classical.choice inferInstance
instance (α : Sort u) {β : Sort v} [Inhabited β] : Inhabited (α → β) := ⟨fun _ => default⟩
instance : Inhabited Bool := ⟨false⟩
instance : Inhabited Nat := ⟨Nat.zero⟩
instance : Inhabited PUnit.{u} := ⟨PUnit.unit⟩
instance : Inhabited Prop := ⟨True⟩
instance : Inhabited (Sort u) := ⟨PUnit⟩

class inductive Decidable (p : Prop) where
  | isFalse (h : Not p) : Decidable p
  | isTrue (h : p) : Decidable p
@[inline] def Decidable.decide (p : Prop) [h : Decidable p] : Bool :=
  h.casesOn (fun _ => false) (fun _ => true)
export Decidable (isTrue isFalse decide)
abbrev DecidablePred {α : Sort u} (r : α → Prop) := (a : α) → Decidable (r a)
abbrev DecidableRel {α : Sort u} {β : Sort v} (r : α → β → Prop) := (a : α) → (b : β) → Decidable (r a b)
abbrev DecidableEq (α : Sort u) := (a b : α) → Decidable (Eq a b)
def decEq {α : Sort u} [inst : DecidableEq α] (a b : α) : Decidable (Eq a b) := inst a b
@[macro_inline] def ite {α : Sort u} (c : Prop) [h : Decidable c] (t e : α) : α :=
  h.casesOn (fun _ => e) (fun _ => t)
@[macro_inline] def dite {α : Sort u} (c : Prop) [h : Decidable c] (t : c → α) (e : Not c → α) : α :=
  h.casesOn e t
@[macro_inline] def Bool.or (x y : Bool) : Bool := match x with | true => true | false => y
@[macro_inline] def Bool.and (x y : Bool) : Bool := match x with | false => false | true => y
@[inline] def Bool.not : Bool → Bool
  | true => false
  | false => true
export Bool (or and not)

class OfNat (α : Type u) (_ : Nat) where
  ofNat : α
@[default_instance 100] instance instOfNatNat (n : Nat) : OfNat Nat n := ⟨n⟩


/-! ## Coercions (class names used by the elaborator) -/
class CoeFun (α : Sort u) (γ : outParam (α → Sort v)) where
  coe : (f : α) → γ f
class CoeSort (α : Sort u) (β : outParam (Sort v)) where
  coe : α → β
class CoeT (α : Sort u) (_ : α) (β : Sort v) where
  coe : β
attribute [coe_decl] CoeT.coe CoeFun.coe CoeSort.coe
instance decPropToBool (p : Prop) [Decidable p] : CoeT Prop p Bool := ⟨decide p⟩
instance boolToSort : CoeSort Bool Prop := ⟨fun b => Eq b true⟩
instance boolToProp (b : Bool) : CoeT Bool b Prop := ⟨Eq b true⟩
instance tsyntaxDummy : Inhabited Unit := ⟨Unit.unit⟩

def Bool.decEq (a b : Bool) : Decidable (Eq a b) :=
  match a, b with
  | false, false => isTrue rfl
  | false, true => isFalse (fun h => Bool.noConfusion h)
  | true, false => isFalse (fun h => Bool.noConfusion h)
  | true, true => isTrue rfl
instance : DecidableEq Bool := Bool.decEq
instance : Decidable True := isTrue trivial
instance : Decidable False := isFalse id
@[macro_inline] instance {p q : Prop} [dp : Decidable p] [dq : Decidable q] : Decidable (And p q) :=
  match dp with
  | isTrue hp => match dq with
    | isTrue hq => isTrue ⟨hp, hq⟩
    | isFalse hq => isFalse (fun h => hq h.right)
  | isFalse hp => isFalse (fun h => hp h.left)
@[macro_inline] instance {p q : Prop} [dp : Decidable p] [dq : Decidable q] : Decidable (Or p q) :=
  match dp with
  | isTrue hp => isTrue (.inl hp)
  | isFalse hp => match dq with
    | isTrue hq => isTrue (.inr hq)
    | isFalse hq => isFalse (fun h => h.rec hp hq)
instance {p : Prop} [dp : Decidable p] : Decidable (Not p) :=
  match dp with
  | isTrue hp => isFalse (absurd hp)
  | isFalse hp => isTrue hp

/-! ## Arithmetic classes -/
class LE (α : Type u) where le : α → α → Prop
class LT (α : Type u) where lt : α → α → Prop
class Add (α : Type u) where add : α → α → α
class Sub (α : Type u) where sub : α → α → α
class Mul (α : Type u) where mul : α → α → α
class Div (α : Type u) where div : α → α → α
class Mod (α : Type u) where mod : α → α → α
class Neg (α : Type u) where neg : α → α
class NatPow (α : Type u) where pow : α → Nat → α
class BEq (α : Type u) where beq : α → α → Bool
class Append (α : Type u) where append : α → α → α
class HAdd (α : Type u) (β : Type v) (γ : outParam (Type w)) where hAdd : α → β → γ
class HSub (α : Type u) (β : Type v) (γ : outParam (Type w)) where hSub : α → β → γ
class HMul (α : Type u) (β : Type v) (γ : outParam (Type w)) where hMul : α → β → γ
class HDiv (α : Type u) (β : Type v) (γ : outParam (Type w)) where hDiv : α → β → γ
class HMod (α : Type u) (β : Type v) (γ : outParam (Type w)) where hMod : α → β → γ
class HPow (α : Type u) (β : Type v) (γ : outParam (Type w)) where hPow : α → β → γ
class HAppend (α : Type u) (β : Type v) (γ : outParam (Type w)) where hAppend : α → β → γ
class Monad.Pow (α : Type u) (β : Type v) where pow : α → β → α
@[reducible] def GE.ge {α : Type u} [LE α] (a b : α) : Prop := LE.le b a
@[reducible] def GT.gt {α : Type u} [LT α] (a b : α) : Prop := LT.lt b a
@[reducible] def Ne {α : Sort u} (a b : α) : Prop := Not (Eq a b)
@[default_instance, reducible] instance instHAdd {α : Type u} [Add α] : HAdd α α α := ⟨Add.add⟩
@[default_instance, reducible] instance instHSub {α : Type u} [Sub α] : HSub α α α := ⟨Sub.sub⟩
@[default_instance, reducible] instance instHMul {α : Type u} [Mul α] : HMul α α α := ⟨Mul.mul⟩
@[default_instance, reducible] instance instHDiv {α : Type u} [Div α] : HDiv α α α := ⟨Div.div⟩
@[default_instance, reducible] instance instHMod {α : Type u} [Mod α] : HMod α α α := ⟨Mod.mod⟩
@[default_instance, reducible] instance instHAppend {α : Type u} [Append α] : HAppend α α α := ⟨Append.append⟩

/-! ## Natural numbers: the names on which the kernel computes natively -/
set_option bootstrap.genMatcherCode false in
@[extern "lean_nat_add"] protected def Nat.add : (@& Nat) → (@& Nat) → Nat
  | n, .zero => n
  | n, .succ m => .succ (Nat.add n m)
@[extern "lean_nat_pred"] def Nat.pred : (@& Nat) → Nat
  | .zero => .zero
  | .succ a => a
set_option bootstrap.genMatcherCode false in
@[extern "lean_nat_sub"] protected def Nat.sub : (@& Nat) → (@& Nat) → Nat
  | n, .zero => n
  | n, .succ m => Nat.pred (Nat.sub n m)
set_option bootstrap.genMatcherCode false in
@[extern "lean_nat_mul"] protected def Nat.mul : (@& Nat) → (@& Nat) → Nat
  | _, .zero => .zero
  | n, .succ m => Nat.add (Nat.mul n m) n
set_option bootstrap.genMatcherCode false in
@[extern "lean_nat_pow"] protected def Nat.pow (m : @& Nat) : (@& Nat) → Nat
  | .zero => Nat.succ Nat.zero
  | .succ n => Nat.mul (Nat.pow m n) m
protected inductive Nat.le (n : Nat) : Nat → Prop where
  | refl : Nat.le n n
  | step {m : Nat} : Nat.le n m → Nat.le n (Nat.succ m)
protected def Nat.lt (n m : Nat) : Prop := Nat.le (Nat.succ n) m
@[reducible] instance instAddNat : Add Nat := ⟨Nat.add⟩
@[reducible] instance instSubNat : Sub Nat := ⟨Nat.sub⟩
@[reducible] instance instMulNat : Mul Nat := ⟨Nat.mul⟩
attribute [match_pattern] Nat.add Add.add HAdd.hAdd
@[reducible] instance instLENat : LE Nat := ⟨Nat.le⟩
@[reducible] instance instLTNat : LT Nat := ⟨Nat.lt⟩
theorem Nat.eq_of_beq_eq_true : (n m : Nat) → Eq (Nat.beq n m) true → Eq n m
  | .zero, .zero, _ => rfl
  | .zero, .succ _, h => Bool.noConfusion h
  | .succ _, .zero, h => Bool.noConfusion h
  | .succ n, .succ m, h => congrArg Nat.succ (eq_of_beq_eq_true n m h)
theorem Nat.beq_self : (n : Nat) → Eq (Nat.beq n n) true
  | .zero => rfl
  | .succ n => beq_self n
theorem Nat.ne_of_beq_eq_false {n m : Nat} (h₁ : Eq (Nat.beq n m) false) (h₂ : Eq n m) : False :=
  Bool.noConfusion (Eq.trans (Eq.symm h₁) (Eq.trans (congrArg (Nat.beq n) (Eq.symm h₂)) (Nat.beq_self n)))
@[extern "lean_nat_dec_eq"] def Nat.decEq (n m : @& Nat) : Decidable (Eq n m) :=
  match h : Nat.beq n m with
  | true => isTrue (eq_of_beq_eq_true n m h)
  | false => isFalse (ne_of_beq_eq_false h)
instance : DecidableEq Nat := Nat.decEq
def Bool.ctorIdx (b : Bool) : Nat :=
  match b with
  | false => 0
  | true => 1
def Nat.ctorIdx (n : Nat) : Nat :=
  match n with
  | .zero => 0
  | .succ _ => 1
theorem noConfusion_of_Nat {α : Sort u} (f : α → Nat) {a b : α} (h : Eq a b) : (Nat.beq (f a) (f b)).rec False True :=
  Eq.ndrec (motive := fun x => Bool.rec (motive := fun _ => Prop) False True (Nat.beq (f a) x))
    (Eq.ndrec (a := true) (motive := fun x => Bool.rec (motive := fun _ => Prop) False True x) True.intro (Eq.symm (Nat.beq_self (f a)))) (congrArg f h)

/-! ## Characters, strings, machine words, arrays -/
structure Fin (n : Nat) where
  val : Nat
  isLt : LT.lt val n
structure UInt8 where
  ofNatCore :: toNatCore : Nat
structure UInt32 where
  ofNatCore :: toNatCore : Nat
structure UInt64 where
  ofNatCore :: toNatCore : Nat
structure USize where
  ofNatCore :: toNatCore : Nat
@[extern "lean_uint64_of_nat"] def UInt64.ofNat (n : @& Nat) : UInt64 := ⟨n⟩
instance : Inhabited UInt64 := ⟨UInt64.ofNat 0⟩
@[extern "lean_uint64_mix_hash"] opaque mixHash (a b : UInt64) : UInt64
structure Char where
  ofNat :: toNat : Nat
inductive List (α : Type u) where
  | nil : List α
  | cons (head : α) (tail : List α) : List α
inductive Option (α : Type u) where
  | none : Option α
  | some (val : α) : Option α
export Option (none some)
protected def Option.map {α : Type u} {β : Type v} (f : α → β) : Option α → Option β
  | none => none
  | some a => some (f a)
structure String where
  ofList :: toList : List Char
instance : Inhabited String := ⟨""⟩
@[extern "lean_string_hash"] protected opaque String.hash (s : @& String) : UInt64
structure Array (α : Type u) where
  mk :: toList : List α
@[extern "lean_mk_empty_array_with_capacity"] def Array.emptyWithCapacity {α : Type u} (c : @& Nat) : Array α := ⟨.nil⟩
def Array.empty {α : Type u} : Array α := Array.emptyWithCapacity 0
protected def List.append {α : Type u} : List α → List α → List α
  | .nil, bs => bs
  | .cons a as, bs => .cons a (List.append as bs)
def Char.decEq (a b : Char) : Decidable (Eq a b) :=
  match a, b with
  | ⟨m⟩, ⟨n⟩ => match Nat.decEq m n with
    | isTrue h => isTrue (congrArg Char.ofNat h)
    | isFalse h => isFalse (fun e => h (congrArg Char.toNat e))
instance : DecidableEq Char := Char.decEq
@[extern "lean_string_append"] protected def String.append (s : String) (t : @& String) : String := ⟨List.append s.toList t.toList⟩
def List.concat {α : Type u} : List α → α → List α
  | .nil, b => .cons b .nil
  | .cons a as, b => .cons a (concat as b)
@[extern "lean_array_push"] def Array.push {α : Type u} (a : Array α) (v : α) : Array α := ⟨List.concat a.toList v⟩
@[extern "lean_array_get_size"] opaque Array.size {α : Type u} (a : @& Array α) : Nat
@[extern "native"] opaque Array.extract {α : Type u} (as : Array α) (start : Nat := 0) (stop : Nat := as.size) : Array α := as
@[extern "native"] protected opaque Array.appendCore {α : Type u} (as bs : Array α) : Array α := as
instance {α : Type u} : Inhabited (Array α) := ⟨Array.empty⟩
instance {α : Type u} : Inhabited (List α) := ⟨.nil⟩
instance {α : Type u} : Inhabited (Option α) := ⟨none⟩
def Array.mkArray0 {α : Type u} : Array α := Array.empty
def Array.mkArray1 {α : Type u} (a : α) : Array α := (Array.emptyWithCapacity 1).push a
def Array.mkArray2 {α : Type u} (a b : α) : Array α := (Array.mkArray1 a).push b
def Array.mkArray3 {α : Type u} (a b c : α) : Array α := (Array.mkArray2 a b).push c
def Array.mkArray4 {α : Type u} (a b c d : α) : Array α := (Array.mkArray3 a b c).push d
def Array.mkArray5 {α : Type u} (a b c d e : α) : Array α := (Array.mkArray4 a b c d).push e
def Array.mkArray6 {α : Type u} (a b c d e f : α) : Array α := (Array.mkArray5 a b c d e).push f
def Array.mkArray7 {α : Type u} (a b c d e f g : α) : Array α := (Array.mkArray6 a b c d e f).push g
def Array.mkArray8 {α : Type u} (a b c d e f g h : α) : Array α := (Array.mkArray7 a b c d e f g).push h

/-! ## Names, syntax trees, parser descriptions -/
@[inline] unsafe def unsafeCast {α : Sort u} {β : Sort v} (a : α) : β :=
  PULift.down.{u, v} (cast lcProof (PULift.up.{v, u} a))
namespace Lean
inductive Name where
  | anonymous : Name
  | str (pre : Name) (str : String)
  | num (pre : Name) (i : Nat)
with
  @[computed_field] hash : Name → UInt64
    | .anonymous => .ofNat 1723
    | .str p s => mixHash p.hash s.hash
    | .num p v => mixHash p.hash (.ofNat v)
instance : Inhabited Name := ⟨.anonymous⟩
abbrev Name.mkStr (p : Name) (s : String) : Name := .str p s
abbrev Name.mkNum (p : Name) (n : Nat) : Name := .num p n
abbrev Name.mkSimple (s : String) : Name := .str .anonymous s
@[reducible] def Name.mkStr1 (s₁ : String) : Name := .str .anonymous s₁
@[reducible] def Name.mkStr2 (s₁ s₂ : String) : Name := .str (mkStr1 s₁) s₂
@[reducible] def Name.mkStr3 (s₁ s₂ s₃ : String) : Name := .str (mkStr2 s₁ s₂) s₃
@[reducible] def Name.mkStr4 (s₁ s₂ s₃ s₄ : String) : Name := .str (mkStr3 s₁ s₂ s₃) s₄
@[reducible] def Name.mkStr5 (s₁ s₂ s₃ s₄ s₅ : String) : Name := .str (mkStr4 s₁ s₂ s₃ s₄) s₅
@[reducible] def Name.mkStr6 (s₁ s₂ s₃ s₄ s₅ s₆ : String) : Name := .str (mkStr5 s₁ s₂ s₃ s₄ s₅) s₆
@[reducible] def Name.mkStr7 (s₁ s₂ s₃ s₄ s₅ s₆ s₇ : String) : Name := .str (mkStr6 s₁ s₂ s₃ s₄ s₅ s₆) s₇
@[reducible] def Name.mkStr8 (s₁ s₂ s₃ s₄ s₅ s₆ s₇ s₈ : String) : Name := .str (mkStr7 s₁ s₂ s₃ s₄ s₅ s₆ s₇) s₈
abbrev SyntaxNodeKind := Name
inductive ParserDescr where
  | const  (name : Name)
  | unary  (name : Name) (p : ParserDescr)
  | binary (name : Name) (p₁ p₂ : ParserDescr)
  | node (kind : SyntaxNodeKind) (prec : Nat) (p : ParserDescr)
  | trailingNode (kind : SyntaxNodeKind) (prec lhsPrec : Nat) (p : ParserDescr)
  | symbol (val : String)
  | nonReservedSymbol (val : String) (includeIdent : Bool)
  | cat (catName : Name) (rbp : Nat)
  | parser (declName : Name)
  | nodeWithAntiquot (name : String) (kind : SyntaxNodeKind) (p : ParserDescr)
  | sepBy  (p : ParserDescr) (sep : String) (psep : ParserDescr) (allowTrailingSep : Bool := false)
  | sepBy1 (p : ParserDescr) (sep : String) (psep : ParserDescr) (allowTrailingSep : Bool := false)
  | unicodeSymbol (val asciiVal : String) (preserveForPP : Bool)
instance : Inhabited ParserDescr := ⟨.symbol ""⟩
abbrev TrailingParserDescr := ParserDescr
end Lean


/-! ## Monads and macros -/
class Pure (f : Type u → Type v) where
  pure {α : Type u} : α → f α
export Pure (pure)
class Functor (f : Type u → Type v) : Type (max (u+1) v) where
  map : {α β : Type u} → (α → β) → f α → f β
class Seq (f : Type u → Type v) : Type (max (u+1) v) where
  seq : {α β : Type u} → f (α → β) → (Unit → f α) → f β
class SeqRight (f : Type u → Type v) : Type (max (u+1) v) where
  seqRight : {α β : Type u} → f α → (Unit → f β) → f β
class Bind (m : Type u → Type v) where
  bind : {α β : Type u} → m α → (α → m β) → m β
export Bind (bind)
class Monad (m : Type u → Type v) extends Pure m, Bind m, Functor m where
  map f x := bind x (fun a => pure (f a))
class MonadLift (m : semiOutParam (Type u → Type v)) (n : Type u → Type w) where
  monadLift : {α : Type u} → m α → n α
class MonadLiftT (m : Type u → Type v) (n : Type u → Type w) where
  monadLift : {α : Type u} → m α → n α
export MonadLiftT (monadLift)
instance (m : Type u → Type v) : MonadLiftT m m := ⟨fun x => x⟩
class MonadExceptOf (ε : semiOutParam (Type u)) (m : Type v → Type w) where
  throw {α : Type v} : ε → m α
  tryCatch {α : Type v} (body : m α) (handler : ε → m α) : m α
class MonadExcept (ε : outParam (Type u)) (m : Type v → Type w) where
  throw {α : Type v} : ε → m α
  tryCatch {α : Type v} : m α → (ε → m α) → m α
export MonadExcept (throw tryCatch)
def ReaderT (ρ : Type u) (m : Type u → Type v) (α : Type u) : Type (max u v) := ρ → m α
inductive EStateM.Result (ε σ α : Type u) : Type u where
  | ok (a : α) (s : σ)
  | error (e : ε) (s : σ)
def EStateM (ε σ α : Type u) : Type u := σ → EStateM.Result ε σ α
@[always_inline] instance {ε σ : Type u} : Monad (EStateM ε σ) where
  pure a := fun s => .ok a s
  bind x f := fun s => match x s with
    | .ok a s => f a s
    | .error e s => .error e s
@[always_inline] instance {ρ : Type u} {m : Type u → Type v} [Monad m] : Monad (ReaderT ρ m) where
  pure a := fun _ => pure a
  bind x f := fun r => bind (x r) (fun a => f a r)
instance {ε σ : Type u} : MonadExcept ε (EStateM ε σ) where
  throw e := fun s => .error e s
  tryCatch x h := fun s => match x s with
    | .ok a s => .ok a s
    | .error e s => h e s
instance {ρ : Type u} {m : Type u → Type v} {ε : Type w} [MonadExcept ε m] : MonadExcept ε (ReaderT ρ m) where
  throw e := fun _ => throw e
  tryCatch x h := fun r => tryCatch (x r) (fun e => h e r)

structure String.Pos.Raw where
  byteIdx : Nat
structure Substring.Raw where
  str : String
  startPos : String.Pos.Raw
  stopPos : String.Pos.Raw
@[extern "lean_string_utf8_byte_size"] opaque String.utf8ByteSize (s : @& String) : Nat
def String.toRawSubstring (s : String) : Substring.Raw := ⟨s, ⟨0⟩, ⟨s.utf8ByteSize⟩⟩
def String.toRawSubstring' (s : String) : Substring.Raw := s.toRawSubstring

namespace Lean
inductive SourceInfo where
  | original (leading : Substring.Raw) (pos : String.Pos.Raw) (trailing : Substring.Raw) (endPos : String.Pos.Raw)
  | synthetic (pos : String.Pos.Raw) (endPos : String.Pos.Raw) (canonical : Bool := false)
  | protected none
instance : Inhabited SourceInfo := ⟨.none⟩
inductive Syntax.Preresolved where
  | namespace (ns : Name)
  | decl (n : Name) (fields : List String)
inductive Syntax where
  | missing : Syntax
  | node (info : SourceInfo) (kind : SyntaxNodeKind) (args : Array Syntax) : Syntax
  | atom (info : SourceInfo) (val : String) : Syntax
  | ident (info : SourceInfo) (rawVal : Substring.Raw) (val : Name) (preresolved : List Syntax.Preresolved) : Syntax
instance : Inhabited Syntax := ⟨.missing⟩
abbrev SyntaxNodeKinds := List SyntaxNodeKind
instance kindToKinds (k : SyntaxNodeKind) : CoeT SyntaxNodeKind k SyntaxNodeKinds := ⟨.cons k .nil⟩
structure TSyntax (ks : SyntaxNodeKinds) where
  raw : Syntax
instance tsyntaxToTSyntax {ks ks' : SyntaxNodeKinds} (s : TSyntax ks) : CoeT (TSyntax ks) s (TSyntax ks') := ⟨⟨s.raw⟩⟩
instance tsyntaxToSyntax {ks : SyntaxNodeKinds} (s : TSyntax ks) : CoeT (TSyntax ks) s Syntax := ⟨s.raw⟩
instance {ks : SyntaxNodeKinds} : Inhabited (TSyntax ks) := ⟨⟨default⟩⟩
abbrev Syntax.Term := TSyntax (.cons `term .nil)
abbrev Syntax.Command := TSyntax (.cons `command .nil)
abbrev Syntax.Ident := TSyntax (.cons `ident .nil)
abbrev Syntax.Tactic := TSyntax (.cons `tactic .nil)
abbrev choiceKind : SyntaxNodeKind := `choice
abbrev nullKind : SyntaxNodeKind := `null
abbrev groupKind : SyntaxNodeKind := `group
abbrev identKind : SyntaxNodeKind := `ident
abbrev strLitKind : SyntaxNodeKind := `str
abbrev charLitKind : SyntaxNodeKind := `char
abbrev numLitKind : SyntaxNodeKind := `num
abbrev hygieneInfoKind : SyntaxNodeKind := `hygieneInfo
abbrev TSyntaxArray (ks : SyntaxNodeKinds) := Array (TSyntax ks)
unsafe def TSyntaxArray.mkImpl {ks : SyntaxNodeKinds} (as : Array Syntax) : TSyntaxArray ks := unsafeCast as
@[implemented_by TSyntaxArray.mkImpl] opaque TSyntaxArray.mk {ks : SyntaxNodeKinds} (as : Array Syntax) : TSyntaxArray ks
unsafe def TSyntaxArray.rawImpl {ks : SyntaxNodeKinds} (as : TSyntaxArray ks) : Array Syntax := unsafeCast as
@[implemented_by TSyntaxArray.rawImpl] opaque TSyntaxArray.raw {ks : SyntaxNodeKinds} (as : TSyntaxArray ks) : Array Syntax
structure Syntax.TSepArray (ks : SyntaxNodeKinds) (sep : String) where
  elemsAndSeps : Array Syntax
structure Syntax.SepArray (sep : String) where
  elemsAndSeps : Array Syntax
-- natively implemented helpers of the same names are used through `extern`
@[extern "native"] opaque Syntax.getArg (stx : Syntax) (i : Nat) : Syntax
@[extern "native"] opaque Syntax.getArgs (stx : Syntax) : Array Syntax
@[extern "native"] opaque Syntax.getNumArgs (stx : Syntax) : Nat
@[extern "native"] opaque Syntax.getKind (stx : Syntax) : SyntaxNodeKind
@[extern "native"] opaque Syntax.isOfKind (stx : Syntax) (k : SyntaxNodeKind) : Bool
@[extern "native"] opaque Syntax.matchesNull (stx : Syntax) (n : Nat) : Bool
@[extern "native"] opaque Syntax.matchesIdent (stx : Syntax) (id : Name) : Bool
@[extern "native"] opaque Syntax.matchesLit (stx : Syntax) (k : SyntaxNodeKind) (val : String) : Bool
@[extern "native"] opaque Syntax.getOptional? (stx : Syntax) : Option Syntax
@[extern "native"] opaque Syntax.isNone (stx : Syntax) : Bool
@[extern "native"] opaque mkNullNode (args : Array Syntax) : Syntax
abbrev MacroScope := Nat
@[extern "native"] opaque addMacroScope (mainModule : Name) (n : Name) (scp : MacroScope) : Name
@[extern "native"] opaque replaceRef (ref oldRef : Syntax) : Syntax
@[extern "native"] opaque SourceInfo.fromRef (ref : Syntax) (canonical : Bool) : SourceInfo
def Syntax.node1 (info : SourceInfo) (kind : SyntaxNodeKind) (a : Syntax) : Syntax := .node info kind (Array.mkArray1 a)
def Syntax.node2 (info : SourceInfo) (kind : SyntaxNodeKind) (a b : Syntax) : Syntax := .node info kind (Array.mkArray2 a b)
def Syntax.node3 (info : SourceInfo) (kind : SyntaxNodeKind) (a b c : Syntax) : Syntax := .node info kind (Array.mkArray3 a b c)
def Syntax.node4 (info : SourceInfo) (kind : SyntaxNodeKind) (a b c d : Syntax) : Syntax := .node info kind (Array.mkArray4 a b c d)
def Syntax.node5 (info : SourceInfo) (kind : SyntaxNodeKind) (a b c d e : Syntax) : Syntax := .node info kind (Array.mkArray5 a b c d e)
def Syntax.node6 (info : SourceInfo) (kind : SyntaxNodeKind) (a b c d e f : Syntax) : Syntax := .node info kind (Array.mkArray6 a b c d e f)
def Syntax.node7 (info : SourceInfo) (kind : SyntaxNodeKind) (a b c d e f g : Syntax) : Syntax := .node info kind (Array.mkArray7 a b c d e f g)
def Syntax.node8 (info : SourceInfo) (kind : SyntaxNodeKind) (a b c d e f g h : Syntax) : Syntax := .node info kind (Array.mkArray8 a b c d e f g h)

class MonadRef (m : Type → Type) where
  getRef : m Syntax
  withRef {α : Type} : Syntax → m α → m α
export MonadRef (getRef)
class MonadQuotation (m : Type → Type) extends MonadRef m where
  getCurrMacroScope : m MacroScope
  getContext : m Name
  withFreshMacroScope {α : Type} : m α → m α
export MonadQuotation (getCurrMacroScope getContext withFreshMacroScope)
@[always_inline, inline] def withRef {m : Type → Type} [Monad m] [MonadRef m] {α : Type} (ref : Syntax) (x : m α) : m α :=
  bind getRef fun oldRef => MonadRef.withRef (replaceRef ref oldRef) x
@[inline] def MonadRef.mkInfoFromRefPos {m : Type → Type} [Monad m] [MonadRef m] : m SourceInfo :=
  bind getRef fun ref => pure (SourceInfo.fromRef ref false)

namespace Macro
inductive Exception where
  | error : Syntax → String → Exception
  | unsupportedSyntax : Exception
structure State where
  macroScope : MacroScope
  expandedMacroDecls : List Name
  traceMsgs : List (Prod Name String)
structure MethodsRef where
  dummy : Nat
structure Context where
  methods : MethodsRef
  quotContext : Name
  currMacroScope : MacroScope
  currRecDepth : Nat
  maxRecDepth : Nat
  ref : Syntax
end Macro
abbrev MacroM (α : Type) : Type := ReaderT Macro.Context (EStateM Macro.Exception Macro.State) α
abbrev Macro := Syntax → MacroM Syntax
instance : MonadQuotation MacroM where
  getRef := fun c s => .ok c.ref s
  withRef r x := fun c => x { c with ref := r }
  getCurrMacroScope := fun c s => .ok c.currMacroScope s
  getContext := fun c s => .ok c.quotContext s
  withFreshMacroScope x := fun c s => x { c with currMacroScope := s.macroScope } { s with macroScope := Nat.succ s.macroScope }
instance {α : Type} : Inhabited (MacroM α) := ⟨throw .unsupportedSyntax⟩
def Macro.throwUnsupported {α : Type} : MacroM α := throw .unsupportedSyntax
structure Parser.Category where
namespace PrettyPrinter
abbrev UnexpandM (α : Type) : Type := ReaderT Syntax (EStateM Unit Unit) α
abbrev Unexpander := Syntax → UnexpandM Syntax
instance : MonadQuotation UnexpandM where
  getRef := fun c s => .ok c s
  withRef r x := fun _ => x r
  getCurrMacroScope := pure 0
  getContext := pure `_fakeMod
  withFreshMacroScope x := x
end PrettyPrinter
end Lean

/-! ## Precedences and syntax combinators -/
macro "max" : prec => `(prec| 1024)
macro "arg" : prec => `(prec| 1023)
macro "lead" : prec => `(prec| 1022)
macro "min" : prec => `(prec| 10)
macro "default" : prio => `(prio| 1000)
macro "low" : prio => `(prio| 100)
macro "mid" : prio => `(prio| 500)
macro "high" : prio => `(prio| 10000)
syntax:arg stx:max "+" : stx
syntax:arg stx:max "*" : stx
syntax:arg stx:max "?" : stx
syntax:2 stx:2 " <|> " stx:1 : stx
syntax:max stx:max ",*" : stx
syntax:max stx:max ",+" : stx
syntax:max stx:max ",*,?" : stx
macro_rules
  | `(stx| $p +) => `(stx| many1($p))
  | `(stx| $p *) => `(stx| many($p))
  | `(stx| $p ?) => `(stx| optional($p))
  | `(stx| $p <|> $q) => `(stx| orelse($p, $q))
  | `(stx| $p ,*) => `(stx| sepBy($p, ",", ", "))
  | `(stx| $p ,+) => `(stx| sepBy1($p, ",", ", "))
  | `(stx| $p ,*,?) => `(stx| sepBy($p, ",", ", ", allowTrailingSep))

/-! ## Notation -/
syntax:50 (name := «term_=_») term:51 " = " term:51 : term
syntax:50 (name := «term_≠_») term:51 " ≠ " term:51 : term
syntax:50 (name := «term_≤_») term:51 " ≤ " term:51 : term
syntax:50 (name := «term_<_») term:51 " < " term:51 : term
syntax:50 (name := «term_≥_») term:51 " ≥ " term:51 : term
syntax:50 (name := «term_>_») term:51 " > " term:51 : term
syntax:65 (name := «term_+_») term:65 " + " term:66 : term
syntax:65 (name := «term_-_») term:65 " - " term:66 : term
syntax:70 (name := «term_*_») term:70 " * " term:71 : term
syntax:35 (name := «term_&&_») term:35 " && " term:36 : term
syntax:30 (name := «term_||_») term:30 " || " term:31 : term
syntax:max (name := «term!_») "!" term:40 : term
infixr:90 " ∘ " => Function.comp
macro_rules
  | `($x && $y) => `(and $x $y)
  | `($x || $y) => `(or $x $y)
  | `(!$x) => `(not $x)
macro_rules
  | `($x = $y) => `(binrel% Eq $x $y)
  | `($x ≠ $y) => `(binrel% Ne $x $y)
  | `($x ≤ $y) => `(binrel% LE.le $x $y)
  | `($x < $y) => `(binrel% LT.lt $x $y)
  | `($x ≥ $y) => `(binrel% GE.ge $x $y)
  | `($x > $y) => `(binrel% GT.gt $x $y)
  | `($x + $y) => `(binop% HAdd.hAdd $x $y)
  | `($x - $y) => `(binop% HSub.hSub $x $y)
  | `($x * $y) => `(binop% HMul.hMul $x $y)
infixr:35 " ∧ " => And
infixr:30 " ∨ " => Or
infix:20 " ↔ " => Iff
notation:max "¬" p:40 => Not p
infixr:67 " :: " => List.cons
@[app_unexpander Eq] def unexpandEq : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x = $y)
  | _ => throw ()
@[app_unexpander Ne] def unexpandNe : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x ≠ $y)
  | _ => throw ()
@[app_unexpander LE.le] def unexpandLE : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x ≤ $y)
  | _ => throw ()
@[app_unexpander LT.lt] def unexpandLT : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x < $y)
  | _ => throw ()
@[app_unexpander HSub.hSub] def unexpandSub : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x - $y)
  | _ => throw ()
@[app_unexpander GE.ge] def unexpandGE : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x ≥ $y)
  | _ => throw ()
@[app_unexpander GT.gt] def unexpandGT : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x > $y)
  | _ => throw ()
@[app_unexpander and] def unexpandAnd : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x && $y)
  | _ => throw ()
@[app_unexpander or] def unexpandOr : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x || $y)
  | _ => throw ()
@[app_unexpander not] def unexpandNot : Lean.PrettyPrinter.Unexpander
  | `($_ $x) => `(!$x)
  | _ => throw ()
@[app_unexpander HAdd.hAdd] def unexpandAdd : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x + $y)
  | _ => throw ()
@[app_unexpander HMul.hMul] def unexpandMul : Lean.PrettyPrinter.Unexpander
  | `($_ $x $y) => `($x * $y)
  | _ => throw ()
namespace Lean
syntax binderIdent := ident <|> hole
syntax unbracketedExplicitBinders := (ppSpace binderIdent)+ (" : " term)?
syntax bracketedExplicitBinders := "(" withoutPosition((binderIdent ppSpace)+ ": " term) ")"
syntax explicitBinders := (ppSpace bracketedExplicitBinders)+ <|> unbracketedExplicitBinders
end Lean
open Lean in
syntax (name := «term∃_,_») "∃" explicitBinders ", " term : term
@[extern "native"] opaque Lean.expandExplicitBinders (comb : Lean.Name) (binders : Lean.Syntax) (body : Lean.Syntax) : Lean.MacroM Lean.Syntax
macro_rules | `(∃ $xs, $b) => Lean.expandExplicitBinders `Exists xs b
@[app_unexpander Exists] def unexpandExists : Lean.PrettyPrinter.Unexpander
  | `($_ fun $x:ident => ∃ $xs:binderIdent*, $b) => `(∃ $x:ident $xs:binderIdent*, $b)
  | `($_ fun $x:ident => $b) => `(∃ $x:ident, $b)
  | `($_ fun ($x:ident : $t) => $b) => `(∃ ($x:ident : $t), $b)
  | _ => throw ()

/-! ## Tactics: syntax of the natively implemented ones -/
namespace Lean
syntax cdotTk := patternIgnore("· " <|> ". ")
syntax (name := cdot) cdotTk withPosition(tacticSeq) : tactic
end Lean
namespace Lean.Parser.Tactic
syntax (name := «done») "done" : tactic
syntax (name := sleep) "sleep " num : tactic
syntax (name := dbgTrace) "dbg_trace " str : tactic
syntax (name := traceMessage) "trace " str : tactic
syntax (name := injections) "injections" (ppSpace colGt (ident <|> hole))* : tactic
syntax (name := substVars) "subst_vars" : tactic
syntax (name := exposeNames) "expose_names" : tactic
syntax (name := rename) "rename " term " => " ident : tactic
syntax (name := «apply?») "apply?" (" using " (colGt term),+)? : tactic
syntax (name := «skip») "skip" : tactic
syntax (name := traceState) "trace_state" : tactic
syntax (name := fail) "fail" (ppSpace str)? : tactic
syntax (name := failIfSuccess) "fail_if_success " tacticSeq : tactic
syntax (name := paren) "(" withoutPosition(tacticSeq) ")" : tactic
syntax (name := withReducible) "with_reducible " tacticSeq : tactic
syntax (name := first) "first " withPosition((ppDedent(ppLine) colGe "| " tacticSeq)+) : tactic
syntax (name := allGoals) "all_goals " tacticSeq : tactic
syntax (name := anyGoals) "any_goals " tacticSeq : tactic
syntax (name := focus) "focus " tacticSeq : tactic
syntax (name := rotateLeft) "rotate_left" (ppSpace num)? : tactic
syntax (name := rotateRight) "rotate_right" (ppSpace num)? : tactic
syntax caseArg := binderIdent (ppSpace (ident <|> hole))*
syntax (name := case) "case " sepBy1(caseArg, " | ") " => " tacticSeq : tactic
syntax (name := case') "case' " sepBy1(caseArg, " | ") " => " tacticSeq : tactic
syntax (name := renameI) "rename_i" (ppSpace colGt binderIdent)+ : tactic
syntax (name := intro) "intro" notFollowedBy("|") (ppSpace colGt term:max)* : tactic
syntax (name := intros) "intros" (ppSpace colGt (ident <|> hole))* : tactic
syntax (name := revert) "revert" (ppSpace colGt term:max)+ : tactic
syntax (name := clear) "clear" (ppSpace colGt term:max)+ : tactic
syntax (name := subst) "subst" (ppSpace colGt term:max)+ : tactic
syntax (name := assumption) "assumption" : tactic
syntax (name := contradiction) "contradiction" : tactic
syntax (name := apply) "apply " term : tactic
syntax (name := exact) "exact " term : tactic
syntax (name := refine) "refine " term : tactic
syntax (name := refine') "refine' " term : tactic
syntax (name := constructor) "constructor" : tactic
syntax (name := left) "left" : tactic
syntax (name := right) "right" : tactic
syntax (name := eqRefl) "eq_refl" : tactic
syntax (name := applyRfl) "apply_rfl" : tactic
syntax (name := symm) "symm" : tactic
syntax (name := specialize) "specialize " term : tactic
syntax (name := injection) "injection " term (" with" (ppSpace colGt (ident <|> hole))+)? : tactic
syntax (name := split) "split" (ppSpace colGt term)? : tactic
syntax (name := «show») "show " term : tactic
syntax (name := congr) "congr" (ppSpace num)? : tactic
syntax locationWildcard := " *"
syntax locationType := patternIgnore(atomic("|" noWs "-") <|> "⊢")
syntax locationHyp := (ppSpace colGt (term:max <|> locationType))+
syntax location := withPosition(ppGroup(" at" (locationWildcard <|> locationHyp)))
syntax (name := change) "change " term (location)? : tactic
syntax posConfigItem := " +" noWs ident
syntax negConfigItem := " -" noWs ident
syntax valConfigItem := atomic(" (" notFollowedBy(&"discharger" <|> &"disch") (ident <|> &"config")) " := " withoutPosition(term) ")"
syntax configItem := ppSpace (posConfigItem <|> negConfigItem <|> valConfigItem)
syntax optConfig := (colGt configItem)*
syntax rwRule := patternIgnore("← " <|> "<- ")? term
syntax rwRuleSeq := " [" withoutPosition(rwRule,*,?) "]"
syntax (name := rewriteSeq) "rewrite" optConfig rwRuleSeq (location)? : tactic
syntax discharger := atomic(" (" patternIgnore(&"discharger" <|> &"disch")) " := " withoutPosition(tacticSeq) ")"
syntax simpPre := "↓"
syntax simpPost := "↑"
syntax simpLemma := ppGroup((simpPre <|> simpPost)? patternIgnore("← " <|> "<- ")? term)
syntax simpErase := "-" term:max
syntax simpStar := "*"
syntax simpArgs := " [" (simpStar <|> simpErase <|> simpLemma),*,? "]"
syntax (name := simp) "simp" optConfig (discharger)? (&" only")? (simpArgs)? (location)? : tactic
syntax dsimpArgs := " [" (simpErase <|> simpLemma),*,? "]"
syntax (name := dsimp) "dsimp" optConfig (discharger)? (&" only")? (dsimpArgs)? (location)? : tactic
syntax (name := simpTrace) "simp?" optConfig (discharger)? (&" only")? (simpArgs)? (location)? : tactic
syntax (name := omega) "omega" optConfig : tactic
syntax (name := nativeDecide) "native_decide" optConfig : tactic
syntax (name := simpAll) "simp_all" optConfig (discharger)? (&" only")? (dsimpArgs)? : tactic
syntax (name := delta) "delta" (ppSpace colGt ident)+ (location)? : tactic
syntax (name := unfold) "unfold" (ppSpace colGt term)+ (location)? : tactic
syntax inductionAltLHS := withPosition(ppDedent(ppLine) "| " (("@"? ident) <|> hole) (colGt (ident <|> hole))*)
syntax inductionAlt := inductionAltLHS+ (" => " (hole <|> syntheticHole <|> tacticSeq))?
syntax inductionAlts := " with" (ppSpace colGt tactic)? withPosition( (colGe inductionAlt)*)
syntax elimTarget := atomic(binderIdent " : ")? term
syntax (name := induction) "induction " elimTarget,+ (" using " term)? (" generalizing" (ppSpace colGt term:max)+)? (inductionAlts)? : tactic
syntax (name := cases) "cases " elimTarget,+ (" using " term)? (inductionAlts)? : tactic
syntax generalizeArg := atomic(ident " : ")? term:51 " = " ident
syntax (name := generalize) "generalize " generalizeArg,+ (location)? : tactic
syntax (name := decide) "decide" optConfig : tactic
syntax (name := exact?) "exact?" (" using " (colGt ident),+)? : tactic
syntax (name := repeat') "repeat' " tacticSeq : tactic

declare_syntax_cat rcasesPat
syntax rcasesPatMed := sepBy1(rcasesPat, " | ")
syntax rcasesPatLo := rcasesPatMed (" : " term)?
syntax (name := rcasesPat.one) ident : rcasesPat
syntax (name := rcasesPat.ignore) "_" : rcasesPat
syntax (name := rcasesPat.clear) "-" : rcasesPat
syntax (name := rcasesPat.explicit) "@" noWs rcasesPat : rcasesPat
syntax (name := rcasesPat.tuple) "⟨" rcasesPatLo,* "⟩" : rcasesPat
syntax (name := rcasesPat.paren) "(" rcasesPatLo ")" : rcasesPat
declare_syntax_cat rintroPat
syntax (name := rintroPat.one) rcasesPat : rintroPat
syntax (name := rintroPat.binder) (priority := 1001) "(" rintroPat+ (" : " term)? ")" : rintroPat
syntax (name := rcases) "rcases" elimTarget,* (" with " rcasesPatLo)? : tactic
syntax (name := obtain) "obtain" (ppSpace rcasesPatMed)? (" : " term)? (" := " term,+)? : tactic
syntax (name := rintro) "rintro" (ppSpace colGt rintroPat)+ (" : " term)? : tactic
end Lean.Parser.Tactic

theorem Iff.rfl {a : Prop} : a ↔ a := ⟨id, id⟩
theorem Iff.refl (a : Prop) : a ↔ a := ⟨id, id⟩

/-! ## Tactics: macros -/
open Lean Lean.Parser.Tactic
macro:1 x:tactic " <;> " y:tactic:2 : tactic => `(tactic| focus ($x:tactic; all_goals $y:tactic))
macro "try " t:tacticSeq : tactic => `(tactic| first | $t | skip)
macro "repeat " t:tacticSeq : tactic => `(tactic| repeat' $t)
macro "exfalso" : tactic => `(tactic| refine False.elim ?_)
macro "sorry" : tactic => `(tactic| exact sorry)
macro "admit" : tactic => `(tactic| exact sorry)
macro "infer_instance" : tactic => `(tactic| exact inferInstance)
macro "rfl" : tactic => `(tactic| fail "The rfl tactic failed.")
macro_rules | `(tactic| rfl) => `(tactic| eq_refl)
macro_rules | `(tactic| rfl) => `(tactic| exact HEq.rfl)
macro_rules | `(tactic| rfl) => `(tactic| exact Iff.rfl)
macro "trivial" : tactic => `(tactic| first | assumption | rfl | contradiction | exact True.intro | decide)
macro_rules | `(tactic| trivial) => `(tactic| (apply And.intro <;> trivial))
macro "rw" c:optConfig s:rwRuleSeq l:(location)? : tactic => `(tactic| (rewrite $c:optConfig $s:rwRuleSeq $(l)?; try (with_reducible rfl)))
macro "refine_lift " e:term : tactic => `(tactic| focus (refine no_implicit_lambda% $e; rotate_right))
macro "have " d:letDecl : tactic => `(tactic| refine_lift have $d:letDecl; ?_)
macro "let " d:letDecl : tactic => `(tactic| refine_lift let $d:letDecl; ?_)
macro "exists " es:term,+ : tactic => `(tactic| (refine ⟨$es,*, ?_⟩; try trivial))
macro (name := miniByCases) "by_cases " h:ident " : " e:term : tactic => `(tactic| refine (dite $e (fun $h:ident => ?_) (fun $h:ident => ?_)))
macro "next " args:binderIdent* " => " tac:tacticSeq : tactic => `(tactic| case _ $args* => $tac)
macro "suffices " d:sufficesDecl : tactic => `(tactic| refine_lift suffices $d:sufficesDecl; ?_)


syntax:lead (name := termIfThenElse) "if " term " then " term " else " term : term
macro_rules | `(if $c then $t else $e) => `(ite $c $t $e)
@[app_unexpander ite] def unexpandIte : Lean.PrettyPrinter.Unexpander
  | `($_ $c $t $e) => `(if $c then $t else $e)
  | _ => throw ()
namespace Lean
syntax calcFirstStep := ppIndent(colGe term (" := " term)?)
syntax calcStep := ppIndent(colGe term " := " term)
syntax calcSteps := ppLine withPosition(calcFirstStep) withPosition((calcStep ppLine)*)
syntax (name := calc) "calc" calcSteps : term
syntax (name := calcTactic) "calc" calcSteps : tactic
end Lean

/-! ## Attributes and eliminators -/
namespace Lean.Parser.Attr
syntax (name := simp) "simp" (Tactic.simpPre <|> Tactic.simpPost)? patternIgnore("← " <|> "<- ")? (ppSpace prio)? : attr
end Lean.Parser.Attr
@[induction_eliminator] protected noncomputable abbrev Nat.recAux {motive : Nat → Sort u} (zero : motive 0)
    (succ : (n : Nat) → motive n → motive (n + 1)) (t : Nat) : motive t := Nat.rec zero succ t
@[cases_eliminator] protected noncomputable abbrev Nat.casesAuxOn {motive : Nat → Sort u} (t : Nat) (zero : motive 0)
    (succ : (n : Nat) → motive (n + 1)) : motive t := Nat.casesOn t zero succ

class Trans {α : Sort u₁} {β : Sort u₂} {γ : Sort u₃} (r : α → β → Sort u) (s : β → γ → Sort v) (t : outParam (α → γ → Sort w)) where
  trans {a : α} {b : β} {c : γ} : r a b → s b c → t a c
instance {α : Sort u} {γ : Sort v} (r : α → γ → Sort w) : Trans Eq r r := ⟨fun h k => h.symm.rec (motive := fun x _ => r x _) k⟩
instance {α : Sort u} {β : Sort v} (r : α → β → Sort w) : Trans r Eq r := ⟨fun k h => h.rec (motive := fun x _ => r _ x) k⟩
attribute [refl] Iff.refl
attribute [symm] Eq.symm

/-! ## Lemmas on propositions -/
theorem Iff.symm {a b : Prop} (h : a ↔ b) : b ↔ a := ⟨h.mpr, h.mp⟩
theorem Iff.trans {a b c : Prop} (h : a ↔ b) (k : b ↔ c) : a ↔ c := ⟨fun x => k.mp (h.mp x), fun x => h.mpr (k.mpr x)⟩
theorem And.symm {a b : Prop} (h : a ∧ b) : b ∧ a := ⟨h.right, h.left⟩
theorem Or.elim {a b c : Prop} (h : a ∨ b) (l : a → c) (r : b → c) : c := h.rec l r
theorem Or.symm {a b : Prop} (h : a ∨ b) : b ∨ a := h.rec .inr .inl
theorem Exists.elim {α : Sort u} {p : α → Prop} {b : Prop} (h : ∃ x, p x) (k : (a : α) → p a → b) : b := h.rec k
theorem not_false : ¬False := id
theorem Ne.symm {α : Sort u} {a b : α} (h : a ≠ b) : b ≠ a := fun e => h e.symm
theorem of_eq_true {p : Prop} (h : p = True) : p := h.symm.rec (motive := fun q _ => q) True.intro
theorem eq_true {p : Prop} (h : p) : p = True := propext ⟨fun _ => True.intro, fun _ => h⟩
theorem eq_false {p : Prop} (h : ¬p) : p = False := propext ⟨h, False.elim⟩
theorem eq_false' {p : Prop} (h : p → False) : p = False := propext ⟨h, False.elim⟩
theorem of_eq_false {p : Prop} (h : p = False) : ¬p := fun hp => h.rec (motive := fun q _ => q) hp
theorem eq_true_of_decide {p : Prop} [inst : Decidable p] (h : decide p = true) : p = True := by
  cases inst with
  | isTrue hp => exact eq_true hp
  | isFalse hp => exact Bool.noConfusion h
theorem of_decide_eq_true {p : Prop} [inst : Decidable p] (h : decide p = true) : p := by
  cases inst with
  | isTrue hp => exact hp
  | isFalse hp => exact Bool.noConfusion h
theorem of_decide_eq_false {p : Prop} [inst : Decidable p] (h : decide p = false) : ¬p := by
  cases inst with
  | isTrue hp => exact Bool.noConfusion h
  | isFalse hp => exact hp
@[simp] theorem eq_self {α : Sort u} (a : α) : (a = a) = True := eq_true rfl
@[simp] theorem iff_self (p : Prop) : (p ↔ p) = True := eq_true Iff.rfl
theorem implies_congr {p₁ p₂ : Sort u} {q₁ q₂ : Sort v} (h₁ : p₁ = p₂) (h₂ : q₁ = q₂) : (p₁ → q₁) = (p₂ → q₂) := h₁.rec (h₂.rec rfl)
theorem implies_congr_ctx {p₁ p₂ q₁ q₂ : Prop} (h₁ : p₁ = p₂) (h₂ : p₂ → q₁ = q₂) : (p₁ → q₁) = (p₂ → q₂) :=
  propext ⟨fun f x => (h₂ x).mp (f (h₁.mpr x)), fun f x => (h₂ (h₁.mp x)).mpr (f (h₁.mp x))⟩
theorem forall_congr {α : Sort u} {p q : α → Prop} (h : (a : α) → p a = q a) : ((a : α) → p a) = ((a : α) → q a) :=
  propext ⟨fun f a => (h a).mp (f a), fun f a => (h a).mpr (f a)⟩
@[simp] theorem true_and (p : Prop) : (True ∧ p) = p := propext ⟨fun h => h.right, fun h => ⟨trivial, h⟩⟩
@[simp] theorem and_true (p : Prop) : (p ∧ True) = p := propext ⟨fun h => h.left, fun h => ⟨h, trivial⟩⟩
@[simp] theorem false_and (p : Prop) : (False ∧ p) = False := eq_false (fun h => h.left)
@[simp] theorem and_false (p : Prop) : (p ∧ False) = False := eq_false (fun h => h.right)
@[simp] theorem and_self (p : Prop) : (p ∧ p) = p := propext ⟨fun h => h.left, fun h => ⟨h, h⟩⟩
@[simp] theorem true_or (p : Prop) : (True ∨ p) = True := eq_true (.inl trivial)
@[simp] theorem or_true (p : Prop) : (p ∨ True) = True := eq_true (.inr trivial)
@[simp] theorem false_or (p : Prop) : (False ∨ p) = p := propext ⟨fun h => h.elim False.elim id, .inr⟩
@[simp] theorem or_false (p : Prop) : (p ∨ False) = p := propext ⟨fun h => h.elim id False.elim, .inl⟩
@[simp] theorem or_self (p : Prop) : (p ∨ p) = p := propext ⟨fun h => h.elim id id, .inl⟩
@[simp] theorem not_true : (¬True) = False := eq_false (fun h => h trivial)
@[simp] theorem not_false_eq_true : (¬False) = True := eq_true id
theorem forall_true {α : Sort u} : (α → True) = True := eq_true (fun _ => trivial)
@[simp] theorem implies_true (α : Sort u) : (α → True) = True := eq_true (fun _ => trivial)
@[simp] theorem false_implies (p : Prop) : (False → p) = True := eq_true False.elim
@[simp] theorem true_implies (p : Prop) : (True → p) = p := propext ⟨fun h => h trivial, fun h _ => h⟩
theorem and_comm {a b : Prop} : a ∧ b ↔ b ∧ a := ⟨And.symm, And.symm⟩
theorem or_comm {a b : Prop} : a ∨ b ↔ b ∨ a := ⟨Or.symm, Or.symm⟩
@[simp] theorem if_true {α : Sort u} (t e : α) : ite True t e = t := rfl
@[simp] theorem if_false {α : Sort u} (t e : α) : ite False t e = e := rfl

theorem ite_eq_left {c : Prop} {h : Decidable c} (hc : c) {α : Sort u} {t e : α} : ite c t e = t := by
  cases h with
  | isTrue _ => rfl
  | isFalse k => exact absurd hc k
theorem ite_eq_right {c : Prop} {h : Decidable c} (hc : ¬c) {α : Sort u} {t e : α} : ite c t e = e := by
  cases h with
  | isTrue k => exact absurd k hc
  | isFalse _ => rfl
theorem dite_eq_left {c : Prop} {h : Decidable c} (hc : c) {α : Sort u} {t : c → α} {e : ¬c → α} : dite c t e = t hc := by
  cases h with
  | isTrue _ => rfl
  | isFalse k => exact absurd hc k
theorem dite_eq_right {c : Prop} {h : Decidable c} (hc : ¬c) {α : Sort u} {t : c → α} {e : ¬c → α} : dite c t e = e hc := by
  cases h with
  | isTrue k => exact absurd k hc
  | isFalse _ => rfl
theorem ite_eq_left_of_eq_true {α : Sort u} {c : Prop} {h : Decidable c} (t e : α) (hc : c = True) : ite c t e = t := ite_eq_left (of_eq_true hc)
theorem ite_eq_right_of_eq_false {α : Sort u} {c : Prop} {h : Decidable c} (t e : α) (hc : c = False) : ite c t e = e := ite_eq_right (of_eq_false hc)

/-! ## Quotients and classical logic -/
init_quot
axiom Quot.sound {α : Sort u} {r : α → α → Prop} {a b : α} : r a b → Quot.mk r a = Quot.mk r b

theorem funext {α : Sort u} {β : α → Sort v} {f g : (x : α) → β x} (h : ∀ x, f x = g x) : f = g :=
  let eqv (f g : (x : α) → β x) := ∀ x, f x = g x
  let apply (f : Quot eqv) (x : α) : β x := Quot.lift (fun (f : (x : α) → β x) => f x) (fun _ _ h => h x) f
  show apply (Quot.mk eqv f) = apply (Quot.mk eqv g) from congrArg apply (Quot.sound h)
namespace Classical
noncomputable def choose {α : Sort u} {p : α → Prop} (h : ∃ x, p x) : α :=
  (choice (let ⟨x, px⟩ := h; ⟨⟨x, px⟩⟩ : Nonempty (Subtype p))).val
theorem choose_spec {α : Sort u} {p : α → Prop} (h : ∃ x, p x) : p (choose h) :=
  (choice (let ⟨x, px⟩ := h; ⟨⟨x, px⟩⟩ : Nonempty (Subtype p))).property
/-- Diaconescu's theorem: choice makes logic classical. -/
theorem em (p : Prop) : p ∨ ¬p := by
  have exU : ∃ x : Prop, x = True ∨ p := ⟨True, Or.inl rfl⟩
  have exV : ∃ x : Prop, x = False ∨ p := ⟨False, Or.inl rfl⟩
  have apart : choose exU ≠ choose exV ∨ p := by
    rcases choose_spec exU with hu | hp
    · rcases choose_spec exV with hv | hp
      · left
        rw [hu, hv]
        exact fun h => of_eq_true h.symm
      · exact Or.inr hp
    · exact Or.inr hp
  rcases apart with ne | hp
  · right
    intro hp
    apply ne
    have same : (fun x : Prop => x = True ∨ p) = (fun x => x = False ∨ p) :=
      funext fun _ => propext ⟨fun _ => Or.inr hp, fun _ => Or.inr hp⟩
    have all : ∀ f g : Prop → Prop, f = g → ∀ (k : ∃ x, f x) (l : ∃ x, g x), choose k = choose l := by
      intro f g h k l
      subst h
      rfl
    exact all _ _ same exU exV
  · exact Or.inl hp
theorem byContradiction {p : Prop} (h : ¬¬p) : p := (em p).elim id (fun hn => absurd hn h)
end Classical

/-! ## Natural numbers -/
namespace Nat
theorem add_zero (n : Nat) : n + 0 = n := rfl
theorem add_succ (n m : Nat) : n + succ m = succ (n + m) := rfl
@[simp] theorem zero_add (n : Nat) : 0 + n = n := by
  induction n with
  | zero => rfl
  | succ n ih => exact congrArg succ ih
theorem succ_add (n m : Nat) : succ n + m = succ (n + m) := by
  induction m with
  | zero => rfl
  | succ m ih => exact congrArg succ ih
theorem add_comm (n m : Nat) : n + m = m + n := by
  induction m with
  | zero => exact (zero_add n).symm
  | succ m ih => exact (congrArg succ ih).trans (succ_add m n).symm
theorem add_assoc (a b c : Nat) : a + b + c = a + (b + c) := by
  induction c with
  | zero => rfl
  | succ c ih => exact congrArg succ ih
theorem add_left_comm (a b c : Nat) : a + (b + c) = b + (a + c) := by
  rw [← add_assoc, add_comm a b, add_assoc]
theorem mul_zero (n : Nat) : n * 0 = 0 := rfl
theorem mul_succ (n m : Nat) : n * succ m = n * m + n := rfl
theorem zero_mul (n : Nat) : 0 * n = 0 := by
  induction n with
  | zero => rfl
  | succ n ih => exact ih
theorem succ_mul (n m : Nat) : succ n * m = n * m + m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    show succ n * m + succ n = n * m + n + succ m
    rw [ih, add_succ, add_succ, add_assoc, add_comm m n, ← add_assoc]
theorem mul_comm (n m : Nat) : n * m = m * n := by
  induction m with
  | zero => exact (zero_mul n).symm
  | succ m ih =>
    show n * m + n = succ m * n
    rw [ih, succ_mul]
theorem mul_one (n : Nat) : n * 1 = n := zero_add n
theorem one_mul (n : Nat) : 1 * n = n := by rw [mul_comm, mul_one]
theorem succ_ne_zero (n : Nat) : succ n ≠ 0 := fun h => Nat.noConfusion h
theorem succ.inj {n m : Nat} (h : succ n = succ m) : n = m := by injection h
protected theorem le_refl (n : Nat) : n ≤ n := Nat.le.refl
theorem le_succ (n : Nat) : n ≤ succ n := Nat.le.step Nat.le.refl
theorem le_trans {a b c : Nat} (h : a ≤ b) (k : b ≤ c) : a ≤ c := by
  induction k with
  | refl => exact h
  | step _ ih => exact Nat.le.step ih
theorem zero_le (n : Nat) : 0 ≤ n := by
  induction n with
  | zero => exact Nat.le.refl
  | succ n ih => exact Nat.le.step ih
theorem succ_le_succ {n m : Nat} (h : n ≤ m) : succ n ≤ succ m := by
  induction h with
  | refl => exact Nat.le.refl
  | step _ ih => exact Nat.le.step ih
theorem pred_le_pred {n m : Nat} (h : n ≤ m) : pred n ≤ pred m := by
  cases h with
  | refl => exact Nat.le.refl
  | @step m h =>
    cases n with
    | zero => exact zero_le _
    | succ n => exact le_trans (le_succ n) h
theorem le_of_succ_le_succ {n m : Nat} (h : succ n ≤ succ m) : n ≤ m := pred_le_pred h
theorem not_succ_le_zero (n : Nat) : ¬ succ n ≤ 0 := fun h => by cases h
theorem le_of_ble_eq_true : (n m : Nat) → Nat.ble n m = true → n ≤ m
  | .zero, m, _ => zero_le m
  | .succ _, .zero, h => Bool.noConfusion h
  | .succ n, .succ m, h => succ_le_succ (le_of_ble_eq_true n m h)
theorem ble_eq_true_of_le : (n m : Nat) → n ≤ m → Nat.ble n m = true
  | .zero, _, _ => rfl
  | .succ n, .zero, h => (not_succ_le_zero n h).elim
  | .succ n, .succ m, h => ble_eq_true_of_le n m (le_of_succ_le_succ h)
@[extern "lean_nat_dec_le"] instance decLe (n m : @& Nat) : Decidable (n ≤ m) :=
  match h : Nat.ble n m with
  | true => isTrue (le_of_ble_eq_true n m h)
  | false => isFalse (fun k => Bool.noConfusion (h.symm.trans (ble_eq_true_of_le n m k)))
@[extern "lean_nat_dec_lt"] instance decLt (n m : @& Nat) : Decidable (n < m) := decLe (succ n) m
theorem lt_irrefl (n : Nat) : ¬ n < n := by
  induction n with
  | zero => exact not_succ_le_zero 0
  | succ n ih => exact fun h => ih (le_of_succ_le_succ h)
theorem le_antisymm {n m : Nat} (h : n ≤ m) (k : m ≤ n) : n = m := by
  cases h with
  | refl => rfl
  | step h => exact (lt_irrefl _ (le_trans k h)).elim
theorem lt_of_le_of_lt {a b c : Nat} (h : a ≤ b) (k : b < c) : a < c := le_trans (succ_le_succ h) k
theorem lt_trans {a b c : Nat} (h : a < b) (k : b < c) : a < c := le_trans (Nat.le.step h) k
theorem le_add_right (n k : Nat) : n ≤ n + k := by
  induction k with
  | zero => exact Nat.le.refl
  | succ k ih => exact Nat.le.step ih
end Nat
attribute [simp] Nat.add_zero Nat.mul_zero Nat.zero_mul Nat.mul_one Nat.one_mul

/-! ## Lists -/
instance {α : Type u} : Append (List α) := ⟨List.append⟩
infixl:65 " ++ " => HAppend.hAppend
syntax "[" term,* "]" : term
macro_rules
  | `([]) => `(List.nil)
  | `([$x]) => `(List.cons $x List.nil)
  | `([$x, $xs,*]) => `(List.cons $x [$xs,*])
namespace List
variable {α : Type u} {β : Type v}
def length : List α → Nat
  | .nil => 0
  | .cons _ as => length as + 1
def map (f : α → β) : List α → List β
  | .nil => .nil
  | .cons a as => .cons (f a) (map f as)
def reverse : List α → List α
  | .nil => .nil
  | .cons a as => reverse as ++ [a]
@[simp] theorem nil_append (as : List α) : [] ++ as = as := rfl
@[simp] theorem cons_append (a : α) (as bs : List α) : (a :: as) ++ bs = a :: (as ++ bs) := rfl
@[simp] theorem append_nil (as : List α) : as ++ [] = as := by
  induction as with
  | nil => rfl
  | cons a as ih => rw [cons_append, ih]
theorem append_assoc (as bs cs : List α) : as ++ bs ++ cs = as ++ (bs ++ cs) := by
  induction as with
  | nil => rfl
  | cons a as ih => simp [ih]
@[simp] theorem length_nil : length ([] : List α) = 0 := rfl
@[simp] theorem length_cons (a : α) (as : List α) : (a :: as).length = as.length + 1 := rfl
theorem length_append (as bs : List α) : (as ++ bs).length = as.length + bs.length := by
  induction as with
  | nil => simp
  | cons a as ih => simp only [cons_append, length_cons, ih, Nat.add_assoc, Nat.add_comm 1]
end List
def List.decEq {α : Type u} [DecidableEq α] : (a b : List α) → Decidable (a = b)
  | .nil, .nil => isTrue rfl
  | .nil, .cons _ _ => isFalse (fun h => by cases h)
  | .cons _ _, .nil => isFalse (fun h => by cases h)
  | .cons a as, .cons b bs => match _root_.decEq a b, List.decEq as bs with
    | isTrue h, isTrue hs => isTrue (by rw [h, hs])
    | isFalse h, _ => isFalse (fun e => by injection e with e; exact h e)
    | _, isFalse hs => isFalse (fun e => by injection e with _ e; exact hs e)
instance {α : Type u} [DecidableEq α] : DecidableEq (List α) := List.decEq
@[extern "lean_string_dec_eq"] protected def String.decEq (a b : @& String) : Decidable (a = b) :=
  match a, b with
  | ⟨as⟩, ⟨bs⟩ => match List.decEq as bs with
    | isTrue h => isTrue (congrArg String.ofList h)
    | isFalse h => isFalse (fun e => h (congrArg String.toList e))
instance : DecidableEq String := String.decEq
