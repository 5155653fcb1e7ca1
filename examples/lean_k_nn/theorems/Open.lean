/-! What is open: other names, other hypotheses in other places. The last one is false. -/
theorem both (a b c : Prop) (k : b ∧ c) (_ : a) : c ∧ b := by
  sorry

theorem either (a b : Prop) (k : b ∨ a) : a ∨ b := by
  sorry

theorem chain (a b c d : Prop) (u : c → d) (v : a → b) (w : b → c) : a → d := by
  sorry

theorem contrapose (a b : Prop) (u : a → b) : ¬b → ¬a := by
  sorry

theorem some_even (even double : Nat → Prop) (h : ∃ k, double k) (u : ∀ k, double k → even k) : ∃ k, even k := by
  sorry

theorem swapped (m n : Nat) : n + m = m + n := by
  sorry

theorem same_right (x y z : Nat) (e : x = y) : z + x = z + y := by
  sorry

theorem nothing_appended (l : List Nat) : l ++ [] = l := by
  sorry

theorem unfounded (a b : Prop) (h : a) : b := by
  sorry
