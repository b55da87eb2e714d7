# frozen_string_literal: true

# I18n keeps its settings in class variables, and translations in maps with locks. Other ractors than the main one get
# copies of both, as they are when the app is shared; what they remember of keys is each one's own.
module SharedI18n
  # In place of settings.
  module Config
    READ = %i[backend default_locale available_locales available_locales_set default_separator exception_handler
              missing_interpolation_argument_handler load_path enforce_available_locales interpolation_patterns].freeze

    READ.each do |name|
      class_eval("def #{name} = Ractor.main? ? super : SETTINGS.fetch(:#{name})", __FILE__, __LINE__)
    end

    def available_locales_initialized? = Ractor.main? ? super : true

    def clear_available_locales_set = (super if Ractor.main?)
  end

  # In place of what I18n remembers.
  module Caches
    def reserved_keys_pattern = RESERVED_KEYS

    def fallbacks = Ractor.main? ? super : Ractor.current[:i18n_fallbacks] ||= FALLBACKS.dup

    def interpolate_hash(string, values)
      return super if Ractor.main?

      string.gsub(PATTERN) { |match| match == "%%" ? "%" : SharedI18n.filled(Regexp.last_match, values, string) }
    end

    private

    def normalize_key(key, separator)
      return super if Ractor.main?

      cache = Ractor.current[:i18n_keys] ||= {}
      cache[[separator, key]] ||= [key].flatten.flat_map { |one| split(one, separator) }
    end

    def split(key, separator)
      key.to_s.split(separator).reject(&:empty?).map do |part|
        case part
        when /\A[-+]?([1-9]\d*|0)\z/ then part.to_i
        when "true", "false" then part == "true"
        else part.to_sym
        end
      end
    end
  end

  # As I18n's own.
  module Missing
    def self.call(key, values, string) = raise(I18n::MissingInterpolationArgument.new(key, values, string))
  end

  class << self
    def repair
      Repairs.share("I18n::RESERVED_KEYS", "I18n::Backend::Transliterator::HashTransliterator::DEFAULT_APPROXIMATIONS")
      config = I18n.config
      given = { backend: copy(config.backend), exception_handler: I18n::ExceptionHandler.new,
                missing_interpolation_argument_handler: Missing }
      settings = Config::READ.to_h { |name| [name, given[name] || config.public_send(name).dup] }
      Config.const_set(:SETTINGS, Ractor.make_shareable(settings))
      Caches.const_set(:RESERVED_KEYS, I18n.reserved_keys_pattern)
      Caches.const_set(:PATTERN, Regexp.union(config.interpolation_patterns))
      share_fallbacks if I18n.respond_to?(:fallbacks)
      I18n::Config.prepend(Config)
      I18n.singleton_class.prepend(Caches)
    end

    # What takes a placeholder's place.
    def filled(match, values, string)
      key = (match[1] || match[2] || match[0].tr("%{}", "")).to_sym
      value = values.fetch(key) { I18n.config.missing_interpolation_argument_handler.call(key, values, string) }
      value = value.call(values) if value.respond_to?(:call)
      match[3] ? format("%#{match[3]}", value) : value.to_s
    end

    private

    def share_fallbacks
      I18n.available_locales.each { |locale| I18n.fallbacks[locale] }
      Caches.const_set(:FALLBACKS, Ractor.make_shareable(I18n.fallbacks.dup))
    end

    def copy(backend)
      backend.eager_load!
      copy = backend.clone
      copy.instance_variable_set(:@translations, plain(backend.translations))
      copy.instance_variable_set(:@initialized, true)
      copy.instance_variable_set(:@transliterators, nil)
      I18n.available_locales.each { |locale| transliterate(copy, locale) }
      copy
    end

    def transliterate(backend, locale)
      rule = backend.translations.dig(locale, :i18n, :transliterate, :rule)
      all = backend.instance_variable_get(:@transliterators) || {}
      all[locale] = I18n::Backend::Transliterator.get(rule)
      backend.instance_variable_set(:@transliterators, all)
    end

    # Without locks; a block that can't be shared is left out.
    def plain(value)
      case value
      when Hash then value.transform_values { |one| plain(one) }.reject { |_, one| stuck?(one) }.to_h
      when Array then value.map { |one| plain(one) }
      else Repairs.share_proc(value)
      end
    end

    def stuck?(value) = value.is_a?(Proc) && !Ractor.shareable?(value)
  end
end

Repairs.add "i18n", upstream: "i18n #741, Rails #58562" do |repair|
  repair.before { SharedI18n.repair }
end
