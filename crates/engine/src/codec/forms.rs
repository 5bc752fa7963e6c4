//! The compact forms of structs and enums, written once.

/// The compact form of a struct: its fields, one after the other.
macro_rules! wire_struct {
    ($name:ty { $($field:ident),* $(,)? }) => {
        impl $crate::codec::Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$field.write(out);)*
            }

            fn read(from: &mut $crate::codec::Reader<'_>) -> Self {
                Self { $($field: $crate::codec::Wire::read(from)),* }
            }
        }
    };
}

/// The compact form of an enum: one byte that says which, and the fields of that one. The first must not hold itself,
/// because it stands for an unknown one once the reader has failed.
macro_rules! wire_enum {
    ($name:ty {
        $first_tag:literal => $first:ident $(($($first_part:ident),*))? $({$($first_field:ident),*})?
        $(, $tag:literal => $variant:ident $(($($part:ident),*))? $({$($field:ident),*})?)* $(,)?
    }) => {
        impl $crate::codec::Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    Self::$first $(($($first_part),*))? $({$($first_field),*})? => {
                        out.push($first_tag);
                        $($($first_part.write(out);)*)?
                        $($($first_field.write(out);)*)?
                    }
                    $(Self::$variant $(($($part),*))? $({$($field),*})? => {
                        out.push($tag);
                        $($($part.write(out);)*)?
                        $($($field.write(out);)*)?
                    })*
                }
            }

            fn read(from: &mut $crate::codec::Reader<'_>) -> Self {
                match from.byte() {
                    $($tag => {
                        $($(let $part = $crate::codec::Wire::read(from);)*)?
                        $($(let $field = $crate::codec::Wire::read(from);)*)?
                        Self::$variant $(($($part),*))? $({$($field),*})?
                    })*
                    tag => {
                        if tag != $first_tag {
                            from.fail();
                        }
                        $($(let $first_part = $crate::codec::Wire::read(from);)*)?
                        $($(let $first_field = $crate::codec::Wire::read(from);)*)?
                        Self::$first $(($($first_part),*))? $({$($first_field),*})?
                    }
                }
            }
        }
    };
}

/// The compact form of an enum whose every value is a part. One that is not known is the first, which has the tag 0.
macro_rules! wire_parts {
    ($name:ty { 0 => $unknown:ident $(, $tag:literal => $variant:ident $(($($part:ident),*))? $({$($field:ident),*})?)* $(,)? }) => {
        impl $crate::codec::Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let mut bytes: Vec<u8> = Vec::new();
                match self {
                    Self::$unknown => bytes.push(0),
                    $(Self::$variant $(($($part),*))? $({$($field),*})? => {
                        bytes.push($tag);
                        $($($part.write(&mut bytes);)*)?
                        $($($field.write(&mut bytes);)*)?
                    })*
                }
                (bytes.len() as u64).write(out);
                out.extend(bytes);
            }

            fn read(from: &mut $crate::codec::Reader<'_>) -> Self {
                let mut inner = from.part();
                let read = match inner.byte() {
                    0 => Self::$unknown,
                    $($tag => {
                        $($(let $part = $crate::codec::Wire::read(&mut inner);)*)?
                        $($(let $field = $crate::codec::Wire::read(&mut inner);)*)?
                        Self::$variant $(($($part),*))? $({$($field),*})?
                    })*
                    _ => return Self::$unknown,
                };
                if inner.failed() || !inner.is_empty() {
                    from.fail();
                }
                read
            }
        }
    };
}

pub(crate) use {wire_enum, wire_parts, wire_struct};
