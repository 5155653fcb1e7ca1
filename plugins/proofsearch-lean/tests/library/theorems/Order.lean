/-! The order of the natural numbers, and orders in general. -/
namespace Order

/-! ### Natural numbers -/
theorem le_refl (n : Nat) : n ≤ n := by
  exact Nat.le_refl n
theorem le_succ (n : Nat) : n ≤ n + 1 := by
  exact Nat.le_succ n
theorem zero_le (n : Nat) : 0 ≤ n := by
  exact Nat.zero_le n
theorem le_trans {a b c : Nat} (h : a ≤ b) (k : b ≤ c) : a ≤ c := by
  exact Nat.le_trans h k
theorem le_trans4 {a b c d : Nat} (h : a ≤ b) (k : b ≤ c) (l : c ≤ d) : a ≤ d := by
  exact Nat.le_trans (Nat.le_trans h k) l
theorem le_antisymm {a b : Nat} (h : a ≤ b) (k : b ≤ a) : a = b := by
  exact Nat.le_antisymm h k
theorem le_of_eq {a b : Nat} (h : a = b) : a ≤ b := by
  rw [h]
  exact Nat.le_refl b
theorem ge_of_eq {a b : Nat} (h : a = b) : a ≥ b := by
  rw [h]
  exact Nat.le_refl b
theorem le_succ_of_le {a b : Nat} (h : a ≤ b) : a ≤ b + 1 := by
  exact Nat.le_trans h (Nat.le_succ b)
theorem succ_le_succ {a b : Nat} (h : a ≤ b) : a + 1 ≤ b + 1 := by
  exact Nat.succ_le_succ h
theorem le_of_succ_le_succ {a b : Nat} (h : a + 1 ≤ b + 1) : a ≤ b := by
  exact Nat.le_of_succ_le_succ h
theorem le_of_succ_le {a b : Nat} (h : a + 1 ≤ b) : a ≤ b := by
  exact Nat.le_trans (Nat.le_succ a) h
theorem not_succ_le_zero (n : Nat) : ¬n + 1 ≤ 0 := by
  intro h
  cases h
theorem le_zero {n : Nat} (h : n ≤ 0) : n = 0 := by
  cases h
  rfl
theorem lt_succ (n : Nat) : n < n + 1 := by
  exact Nat.le_refl (n + 1)
theorem zero_lt_succ (n : Nat) : 0 < n + 1 := by
  exact Nat.succ_le_succ (Nat.zero_le n)
theorem lt_irrefl (n : Nat) : ¬n < n := by
  exact Nat.lt_irrefl n
theorem not_lt_zero (n : Nat) : ¬n < 0 := by
  intro h
  cases h
theorem lt_trans {a b c : Nat} (h : a < b) (k : b < c) : a < c := by
  exact Nat.lt_trans h k
theorem lt_of_le_of_lt {a b c : Nat} (h : a ≤ b) (k : b < c) : a < c := by
  exact Nat.lt_of_le_of_lt h k
theorem lt_of_lt_of_le {a b c : Nat} (h : a < b) (k : b ≤ c) : a < c := by
  exact Nat.le_trans h k
theorem le_of_lt {a b : Nat} (h : a < b) : a ≤ b := by
  exact Nat.le_trans (Nat.le_succ a) h
theorem ne_of_lt {a b : Nat} (h : a < b) : a ≠ b := by
  intro e
  subst e
  exact Nat.lt_irrefl a h
theorem ne_of_gt {a b : Nat} (h : a > b) : a ≠ b := by
  intro e
  subst e
  exact Nat.lt_irrefl a h
theorem lt_asymm {a b : Nat} (h : a < b) : ¬b < a := by
  intro k
  exact Nat.lt_irrefl a (Nat.lt_trans h k)
theorem not_le_of_lt {a b : Nat} (h : a < b) : ¬b ≤ a := by
  intro k
  exact Nat.lt_irrefl a (Nat.le_trans h k)
theorem not_lt_of_le {a b : Nat} (h : a ≤ b) : ¬b < a := by
  intro k
  exact Nat.lt_irrefl b (Nat.le_trans k h)
theorem le_add_right (a b : Nat) : a ≤ a + b := by
  exact Nat.le_add_right a b
theorem le_add_left (a b : Nat) : a ≤ b + a := by
  rw [Nat.add_comm]
  exact Nat.le_add_right a b
theorem le_add_of_le {a b c : Nat} (h : a ≤ b) : a ≤ b + c := by
  exact Nat.le_trans h (Nat.le_add_right b c)
theorem add_le_add_right {a b : Nat} (h : a ≤ b) (c : Nat) : a + c ≤ b + c := by
  induction c with
  | zero => exact h
  | succ c ih => exact Nat.succ_le_succ ih
theorem add_le_add_left {a b : Nat} (h : a ≤ b) (c : Nat) : c + a ≤ c + b := by
  rw [Nat.add_comm c a, Nat.add_comm c b]
  exact add_le_add_right h c
theorem add_le_add {a b c d : Nat} (h : a ≤ b) (k : c ≤ d) : a + c ≤ b + d := by
  exact Nat.le_trans (add_le_add_right h c) (add_le_add_left k b)
theorem add_lt_add_right {a b : Nat} (h : a < b) (c : Nat) : a + c < b + c := by
  induction c with
  | zero => exact h
  | succ c ih => exact Nat.succ_le_succ ih
theorem exists_add_of_le {a b : Nat} (h : a ≤ b) : ∃ c, b = a + c := by
  induction h with
  | refl => exact ⟨0, rfl⟩
  | step _ ih => exact ih.elim fun c e => ⟨c + 1, congrArg Nat.succ e⟩
theorem le_of_exists_add {a b : Nat} (h : ∃ c, b = a + c) : a ≤ b := by
  rcases h with ⟨c, hc⟩
  rw [hc]
  exact Nat.le_add_right a c
theorem le_total (a b : Nat) : a ≤ b ∨ b ≤ a := by
  induction b with
  | zero => exact Or.inr (Nat.zero_le a)
  | succ b ih =>
    rcases ih with h | h
    · exact Or.inl (Nat.le_trans h (Nat.le_succ b))
    · rcases exists_add_of_le h with ⟨c, hc⟩
      cases c with
      | zero => exact Or.inl (by rw [hc]; exact Nat.le_succ b)
      | succ c => exact Or.inr (by rw [hc]; exact Nat.succ_le_succ (Nat.le_add_right b c))
theorem three_le_five : 3 ≤ 5 := by
  decide
theorem two_lt_seven : 2 < 7 := by
  decide
theorem not_five_lt_two : ¬5 < 2 := by
  decide
theorem exists_gt (n : Nat) : ∃ m, n < m := by
  exact ⟨n + 1, Nat.le_refl (n + 1)⟩
theorem exists_ge (n : Nat) : ∃ m, n ≤ m := by
  exact ⟨n, Nat.le_refl n⟩
theorem no_largest : ¬∃ n : Nat, ∀ m : Nat, m ≤ n := by
  rintro ⟨n, hn⟩
  exact Nat.lt_irrefl n (hn (n + 1))

/-! ### Relations -/
section
variable {α : Type} (r : α → α → Prop)
def Reflexive : Prop := ∀ x, r x x
def Symmetric : Prop := ∀ x y, r x y → r y x
def Transitive : Prop := ∀ x y z, r x y → r y z → r x z
def Antisymmetric : Prop := ∀ x y, r x y → r y x → x = y
def Irreflexive : Prop := ∀ x, ¬r x x
theorem reflexive_eq : Reflexive (fun x y : α => x = y) := by
  intro x
  rfl
theorem symmetric_eq : Symmetric (fun x y : α => x = y) := by
  intro x y h
  exact h.symm
theorem transitive_eq : Transitive (fun x y : α => x = y) := by
  intro x y z h k
  exact h.trans k
theorem reflexive_le : Reflexive (fun a b : Nat => a ≤ b) := by
  intro x
  exact Nat.le_refl x
theorem transitive_le : Transitive (fun a b : Nat => a ≤ b) := by
  intro x y z h k
  exact Nat.le_trans h k
theorem antisymmetric_le : Antisymmetric (fun a b : Nat => a ≤ b) := by
  intro x y h k
  exact Nat.le_antisymm h k
theorem irreflexive_lt : Irreflexive (fun a b : Nat => a < b) := by
  intro x
  exact Nat.lt_irrefl x
theorem transitive_lt : Transitive (fun a b : Nat => a < b) := by
  intro x y z h k
  exact Nat.lt_trans h k
theorem reflexive_swap (h : Reflexive r) : Reflexive (fun x y => r y x) := by
  intro x
  exact h x
theorem symmetric_swap (h : Symmetric r) : Symmetric (fun x y => r y x) := by
  intro x y k
  exact h y x k
theorem transitive_swap (h : Transitive r) : Transitive (fun x y => r y x) := by
  intro x y z k l
  exact h z y x l k
theorem antisymmetric_swap (h : Antisymmetric r) : Antisymmetric (fun x y => r y x) := by
  intro x y k l
  exact h x y l k
theorem irreflexive_not_reflexive (a : α) (h : Irreflexive r) : ¬Reflexive r := by
  intro k
  exact h a (k a)
theorem symmetric_iff (h : Symmetric r) (x y : α) : r x y ↔ r y x := by
  constructor
  · intro k
    exact h x y k
  · intro k
    exact h y x k
theorem related_of_symmetric_transitive (h : Symmetric r) (k : Transitive r) (x y : α) (hxy : r x y) : r x x := by
  apply k x y x
  exact hxy
  apply h
  exact hxy
end
end Order
