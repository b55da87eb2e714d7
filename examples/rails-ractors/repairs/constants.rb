# frozen_string_literal: true

require "unicode_normalize/normalize"

# Constants that hold what isn't frozen, through and through. Rails has more of them, which nothing here has asked for.
Repairs.add "constants", upstream: "none known for each" do |repair|
  repair.before do
    Repairs.share(*UnicodeNormalize.constants.map { |name| "UnicodeNormalize::#{name}" })
    Repairs.share(*%w[
      ActionDispatch::Http::Cache::Response::SPECIAL_KEYS ActionDispatch::Http::FilterParameters::NULL_ENV_FILTER
      ActionDispatch::Http::FilterParameters::NULL_PARAM_FILTER ActionDispatch::Http::Session::Unspecified
      ActionDispatch::Request::HTTP_METHODS ActionDispatch::Request::LOCALHOST
      ActionView::AbstractRenderer::RenderedTemplate::EMPTY_SPACER ActiveSupport::ExecutionWrapper::Null
      ActiveSupport::NumberHelper::NumberToHumanConverter::INVERTED_DECIMAL_UNITS
      ActiveSupport::RangeWithFormat::RANGE_FORMATS ActiveSupport::TimeWithZone::PRECISIONS
      ActiveSupport::TimeZone::MAPPING ActiveSupport::XmlMini::FORMATTING ActiveSupport::XmlMini::PARSING
      Rack::Session::Abstract::SessionHash::Unspecified
    ])
  end
end
