/-! Lists and optional values. -/
namespace Lists
variable {α β γ : Type}

/-! ### Appending -/
theorem nil_append (xs : List α) : [] ++ xs = xs := by
  rfl
theorem append_nil (xs : List α) : xs ++ [] = xs := by
  simp
theorem append_assoc (xs ys zs : List α) : (xs ++ ys) ++ zs = xs ++ (ys ++ zs) := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp [ih]
theorem append_assoc_symm (xs ys zs : List α) : xs ++ (ys ++ zs) = (xs ++ ys) ++ zs := by
  rw [List.append_assoc]
theorem cons_append (x : α) (xs ys : List α) : (x :: xs) ++ ys = x :: (xs ++ ys) := by
  rfl
theorem singleton_append (x : α) (xs : List α) : [x] ++ xs = x :: xs := by
  rfl
theorem append_congr_left (xs ys zs : List α) (h : xs = ys) : xs ++ zs = ys ++ zs := by
  rw [h]
theorem append_congr_right (xs ys zs : List α) (h : xs = ys) : zs ++ xs = zs ++ ys := by
  rw [h]
theorem append_cons (x : α) (xs ys : List α) : xs ++ x :: ys = (xs ++ [x]) ++ ys := by
  rw [List.append_assoc]
  rfl
theorem append_left_cancel (xs ys zs : List α) (h : xs ++ ys = xs ++ zs) : ys = zs := by
  induction xs with
  | nil => exact h
  | cons x xs ih =>
    injection h with _ h
    exact ih h
theorem append_eq_nil (xs ys : List α) (h : xs ++ ys = []) : xs = [] := by
  cases xs with
  | nil => rfl
  | cons x xs => injection h
theorem cons_ne_nil (x : α) (xs : List α) : x :: xs ≠ [] := by
  intro h
  injection h
theorem nil_ne_cons (x : α) (xs : List α) : [] ≠ x :: xs := by
  intro h
  injection h
theorem cons_inj_head (x y : α) (xs ys : List α) (h : x :: xs = y :: ys) : x = y := by
  injection h
theorem cons_inj_tail (x y : α) (xs ys : List α) (h : x :: xs = y :: ys) : xs = ys := by
  injection h
theorem cons_congr (x y : α) (xs ys : List α) (h : x = y) (k : xs = ys) : x :: xs = y :: ys := by
  rw [h, k]
theorem nil_or_cons (xs : List α) : xs = [] ∨ ∃ y ys, xs = y :: ys := by
  cases xs with
  | nil => exact Or.inl rfl
  | cons y ys => exact Or.inr ⟨y, ys, rfl⟩
theorem eq_cons_of_ne_nil (xs : List α) (h : xs ≠ []) : ∃ y ys, xs = y :: ys := by
  cases xs with
  | nil => exact absurd rfl h
  | cons y ys => exact ⟨y, ys, rfl⟩

/-! ### Length -/
theorem length_nil : ([] : List α).length = 0 := by
  rfl
theorem length_cons (x : α) (xs : List α) : (x :: xs).length = xs.length + 1 := by
  rfl
theorem length_singleton (x : α) : [x].length = 1 := by
  rfl
theorem length_pair (x y : α) : [x, y].length = 2 := by
  rfl
theorem length_append (xs ys : List α) : (xs ++ ys).length = xs.length + ys.length := by
  rw [List.length_append]
theorem length_append_comm (xs ys : List α) : (xs ++ ys).length = (ys ++ xs).length := by
  rw [List.length_append, List.length_append, Nat.add_comm]
theorem length_append_swap (xs ys : List α) : (xs ++ ys).length = ys.length + xs.length := by
  rw [List.length_append, Nat.add_comm]
theorem length_append3 (xs ys zs : List α) : (xs ++ ys ++ zs).length = xs.length + ys.length + zs.length := by
  rw [List.length_append, List.length_append]
theorem length_append_singleton (x : α) (xs : List α) : (xs ++ [x]).length = xs.length + 1 := by
  rw [List.length_append]
  rfl
theorem length_congr (xs ys : List α) (h : xs = ys) : xs.length = ys.length := by
  rw [h]
theorem eq_nil_of_length (xs : List α) (h : xs.length = 0) : xs = [] := by
  cases xs with
  | nil => rfl
  | cons x xs => injection h
theorem length_zero_iff (xs : List α) : xs.length = 0 ↔ xs = [] := by
  constructor
  · intro h
    exact eq_nil_of_length xs h
  · intro h
    rw [h]
    rfl

/-! ### Mapping -/
theorem map_nil (f : α → β) : List.map f [] = [] := by
  rfl
theorem map_cons (f : α → β) (x : α) (xs : List α) : List.map f (x :: xs) = f x :: List.map f xs := by
  rfl
theorem map_id (xs : List α) : List.map (fun x => x) xs = xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp [List.map, ih]
theorem map_map (f : α → β) (g : β → γ) (xs : List α) : List.map g (List.map f xs) = List.map (fun x => g (f x)) xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp [List.map, ih]
theorem map_append (f : α → β) (xs ys : List α) : List.map f (xs ++ ys) = List.map f xs ++ List.map f ys := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp [List.map, ih]
theorem length_map (f : α → β) (xs : List α) : (List.map f xs).length = xs.length := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp [List.map, ih]
theorem map_singleton (f : α → β) (x : α) : List.map f [x] = [f x] := by
  rfl
theorem map_congr_list (f : α → β) (xs ys : List α) (h : xs = ys) : List.map f xs = List.map f ys := by
  rw [h]
theorem map_congr_fun (f g : α → β) (xs : List α) (h : f = g) : List.map f xs = List.map g xs := by
  rw [h]
theorem map_eq_of_all (f g : α → β) (xs : List α) (h : ∀ x, f x = g x) : List.map f xs = List.map g xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp [List.map, ih, h]
theorem length_map_append (f : α → β) (xs ys : List α) : (List.map f (xs ++ ys)).length = xs.length + ys.length := by
  rw [length_map, List.length_append]

/-! ### Reversing -/
theorem reverse_nil : ([] : List α).reverse = [] := by
  rfl
theorem reverse_cons (x : α) (xs : List α) : (x :: xs).reverse = xs.reverse ++ [x] := by
  rfl
theorem reverse_singleton (x : α) : [x].reverse = [x] := by
  rfl
theorem length_reverse (xs : List α) : xs.reverse.length = xs.length := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp [List.reverse, List.length_append, ih]
theorem reverse_append (xs ys : List α) : (xs ++ ys).reverse = ys.reverse ++ xs.reverse := by
  induction xs with
  | nil => simp [List.reverse]
  | cons x xs ih => simp [List.reverse, ih, List.append_assoc]
theorem reverse_reverse (xs : List α) : xs.reverse.reverse = xs := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp [List.reverse, reverse_append, ih]
theorem map_reverse (f : α → β) (xs : List α) : List.map f xs.reverse = (List.map f xs).reverse := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp [List.map, List.reverse, map_append, ih]
theorem reverse_inj (xs ys : List α) (h : xs.reverse = ys.reverse) : xs = ys := by
  rw [← reverse_reverse xs, h, reverse_reverse]

/-! ### Optional values -/
theorem some_inj (x y : α) (h : some x = some y) : x = y := by
  injection h
theorem some_ne_none (x : α) : some x ≠ none := by
  intro h
  injection h
theorem none_ne_some (x : α) : none ≠ some x := by
  intro h
  injection h
theorem option_map_none (f : α → β) : Option.map f none = none := by
  rfl
theorem option_map_some (f : α → β) (x : α) : Option.map f (some x) = some (f x) := by
  rfl
theorem option_map_id (o : Option α) : Option.map (fun x => x) o = o := by
  cases o <;> rfl
theorem option_map_map (f : α → β) (g : β → γ) (o : Option α) :
    Option.map g (Option.map f o) = Option.map (fun x => g (f x)) o := by
  cases o <;> rfl
theorem none_or_some (o : Option α) : o = none ∨ ∃ x, o = some x := by
  cases o with
  | none => exact Or.inl rfl
  | some x => exact Or.inr ⟨x, rfl⟩
theorem eq_some_of_ne_none (o : Option α) (h : o ≠ none) : ∃ x, o = some x := by
  cases o with
  | none => exact absurd rfl h
  | some x => exact ⟨x, rfl⟩
end Lists
