/-! What is known: the policy learns from these proofs, step by step. -/
theorem and_swap (p q : Prop) (h : p ∧ q) : q ∧ p := by
  rcases h with ⟨hp, hq⟩
  constructor
  exact hq
  exact hp

theorem or_swap (p q : Prop) (h : p ∨ q) : q ∨ p := by
  rcases h with hp | hq
  right
  exact hp
  left
  exact hq

theorem imp_trans (p q r : Prop) (f : p → q) (g : q → r) : p → r := by
  intro hp
  apply g
  apply f
  exact hp

theorem not_not_intro (p : Prop) (hp : p) : ¬¬p := by
  intro hn
  apply hn
  exact hp

theorem exists_mono (s t : Nat → Prop) (f : ∀ n, s n → t n) (h : ∃ n, s n) : ∃ n, t n := by
  rcases h with ⟨n, hn⟩
  exact ⟨n, f n hn⟩

theorem add_comm (a b : Nat) : a + b = b + a := by
  rw [Nat.add_comm]

theorem add_congr (a b c : Nat) (h : a = b) : a + c = b + c := by
  rw [h]

theorem append_nil (xs : List Nat) : xs ++ [] = xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih => rw [List.cons_append, ih]
